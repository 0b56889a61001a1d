// The sum of all jest runs, last what failed in them and how many: "N passed, N failed".
// node summary.mjs STATUS REPORT...: how the run ended, and what `jest --json` wrote.
import { existsSync, readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const [status, ...paths] = process.argv.slice(2);
const LINES_TOLD = 25;

const runs = paths.filter((path) => existsSync(path)).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const failures = runs.flatMap(({ testResults }) => testResults.flatMap(failuresOf));
for (const failure of failures) console.log(`\nFAILED ${failure}`);

const passed = runs.reduce((sum, { numPassedTests }) => sum + numPassedTests, 0);
console.log(`\n${passed} passed, ${Math.max(failures.length, Number(status) === 0 ? 0 : 1)} failed`);

function failuresOf({ name, message, status: ending, assertionResults }) {
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && ending === 'failed') return [told(name, message)];
  return failed.map(({ fullName, failureMessages }) => told(`${name}: ${fullName}`, failureMessages.join('\n')));
}

function told(what, why) {
  const lines = stripVTControlCharacters(why)
    .split('\n')
    .filter((line) => !/^\s+at .*(node_modules|node:internal)/.test(line));
  return [what, ...lines.slice(0, LINES_TOLD)].join('\n  ');
}

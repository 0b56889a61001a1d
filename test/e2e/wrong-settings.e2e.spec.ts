import { spawnSync } from 'node:child_process';

it.each([
  ['MAX_QUEUE', '0', 'MAX_QUEUE must be a whole number, 1 or more.'],
  ['PORT', 'abc', 'PORT must be a whole number from 0 to 65535.'],
  ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of'],
  ['MICROSERVICE_URL', 'tcp:', 'MICROSERVICE_'],
])('%s=%s: the process prints one line that names the variable, and exits', (variable, value, sentence) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['-r', './test/support/typescript.cjs', 'src/main.ts'],
    { env: { ...process.env, [variable]: value }, encoding: 'utf8' },
  );
  expect(stderr).toMatch(/^Configuration: .+\n$/);
  expect(stderr).toContain(sentence);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
});

import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIGURE_HEADINGS, figureRow, markdownTable } from './figures';
import { measureProgress } from './progress-delay';
import { replicaOverhead } from './replica-overhead';
import { replicaThroughput } from './replica-throughput';
import { Report } from './report';
import { measureRestart } from './restart';
import { PROMPTS_AT_ONCE } from './servers';
import { compare } from './side-by-side';
import { measureStoring } from './storing';
import { measureWaiting } from './waiting-memory';

/** `f_type` of `statfs` for a file system in memory. */
const TMPFS = 0x0102_1994;

type Measurements = Readonly<Record<string, (report: Report) => Promise<void>>>;

/** The measurements by the name of their command; each has servers and folders of its own. */
const MEASUREMENTS: Measurements = {
  compare,
  progress: measureProgress,
  waiting: measureWaiting,
  restart: measureRestart,
  storing: measureStoring,
};
/** These run only by name: they need a PostgreSQL, which they install, and a Redis. */
const BY_NAME_ONLY: Measurements = {
  replicas: async (report) => {
    await replicaOverhead(report);
    await replicaThroughput(report);
  },
};

async function main(names: readonly string[]): Promise<void> {
  const all = { ...MEASUREMENTS, ...BY_NAME_ONLY };
  const unknown = names.find((name) => !Object.hasOwn(all, name));
  if (unknown !== undefined) throw new Error(`No measurement ${unknown}: ${Object.keys(all).join(', ')}.`);
  const directory = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-bench-'));
  try {
    await introduce(directory);
    const report = new Report(directory);
    for (const name of names.length > 0 ? names : Object.keys(MEASUREMENTS)) await all[name]?.(report);
    conclude(report);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function introduce(directory: string): Promise<void> {
  const inMemory = (await statfs(directory)).type === TMPFS;
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} cores, ${PROMPTS_AT_ONCE} prompts at once. ` +
      'The service runs as npm start runs it: durable jobs, LOG_LEVEL=info as JSON to a file.',
  );
  if (inMemory) console.log(`Its files are in memory: point TMPDIR to a folder on a disk.`);
  console.log('Each cell: bare server / service = ratio.\n');
}

function conclude({ figures, problems }: Report): void {
  console.log(`\n${markdownTable(FIGURE_HEADINGS, figures.map(figureRow))}`);
  const { length } = problems;
  console.log(`\n${length === 0 ? 'No errors, every picture is that of its run.' : `${length} errors.`}`);
  for (const problem of problems.slice(0, 20)) console.error(problem);
  if (length > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

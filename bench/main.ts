import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDataServers } from './data-servers';
import { type Figure, FIGURE_HEADINGS, figureRow, markdownTable } from './figures';
import { HEADINGS } from './measurement';
import { PictureCheck } from './pictures';
import { ProgressDelay } from './progress-delay';
import { Replicas, runMs } from './replicas';
import { Restart } from './restart';
import { PROMPTS_AT_ONCE, startBareServer, startFleet, startService, startSimulator } from './servers';
import { SideBySide } from './side-by-side';
import { Storing } from './storing';
import { WAITING, WaitingMemory } from './waiting-memory';

/** What `statfs` says of a file system in memory. */
const TMPFS = 0x0102_1994;

/** The measurements, each with servers of its own in folders of their own. */
class Benchmark {
  readonly figures: Figure[] = [];
  readonly problems: string[] = [];

  constructor(private readonly directory: string) {}

  async sideBySide(): Promise<string[][]> {
    const simulator = await startSimulator(this.directory);
    const start = {
      bare: () => startBareServer(simulator.url),
      service: async () => startService({ comfyUI: simulator.url, directory: await this.#folder() }),
    };
    const bench = new SideBySide(start, new PictureCheck(this.directory));
    try {
      const rows = await bench.rows();
      this.#note(await bench.peakMemory(), bench.problems);
      return rows;
    } finally {
      await simulator.stop();
    }
  }

  /** @param concurrency prompts that run at once: callers wait for those, or for their turn */
  async waiting(concurrency: number, measure: (memory: WaitingMemory) => Promise<Figure>): Promise<void> {
    const simulator = await startSimulator(await this.#folder(), { concurrency });
    const options = { comfyUI: simulator.url, directory: await this.#folder(), concurrency, withMemoryProbe: true };
    const service = await startService(options);
    const memory = new WaitingMemory(service, simulator);
    try {
      await memory.warmUp();
      this.#note(await measure(memory), memory.problems);
    } finally {
      await service.kill();
      await simulator.stop();
    }
  }

  async progress(): Promise<void> {
    const simulator = await startSimulator(await this.#folder(), { speed: '1' });
    const delay = new ProgressDelay();
    const directory = await this.#folder();
    try {
      const figure = await delay.measure(simulator.url, (comfyUI) => startService({ comfyUI, directory }));
      this.#note(figure, delay.problems);
    } finally {
      await simulator.stop();
    }
  }

  async restart(): Promise<void> {
    const simulator = await startSimulator(await this.#folder());
    const directory = await this.#folder();
    const restart = new Restart(simulator, () => startService({ comfyUI: simulator.url, directory }));
    try {
      this.#note(await restart.measure(), restart.problems);
    } finally {
      await simulator.stop();
    }
  }

  async storing(): Promise<void> {
    const simulator = await startSimulator(await this.#folder());
    const [directory, other] = [await this.#folder(), await this.#folder()];
    const storing = new Storing({
      storing: {
        folder: join(directory, 'data/assets'),
        start: () => startService({ comfyUI: simulator.url, directory }),
      },
      notStoring: { start: () => startService({ comfyUI: simulator.url, directory: other, storesNothing: true }) },
    });
    try {
      for (const figure of await storing.measure()) this.#note(figure, []);
      this.problems.push(...storing.problems);
    } finally {
      await simulator.stop();
    }
  }

  async replicas(): Promise<void> {
    const data = await startDataServers();
    try {
      await this.#overhead();
      for (const workers of [1, 2, 4]) await this.#throughput(data.env, workers);
    } finally {
      await data.stop();
    }
  }

  /** Each fleet has data of its own. */
  async #overhead(): Promise<void> {
    const folder = await this.#folder();
    const simulator = await startSimulator(folder);
    const replicas = new Replicas(new PictureCheck(folder));
    const [data, otherData] = [await startDataServers(), await startDataServers()];
    const embedded = await startService({ comfyUI: simulator.url, directory: await this.#folder() });
    // One server under two addresses, of which each replica has its part.
    const comfyUI = [simulator.url, simulator.url.replace('127.0.0.1', 'localhost')].join(',');
    const equals = await startFleet({ comfyUI, directory: await this.#folder(), env: data.env }, ['all', 'all']);
    const divided = await startFleet({ comfyUI: simulator.url, directory: await this.#folder(), env: otherData.env }, [
      'api',
      'worker',
    ]);
    try {
      const fleets = { 'two replicas': equals[0]!, 'api + worker': divided[0]! };
      for (const figure of await replicas.overhead(embedded, fleets)) this.#note(figure, []);
      this.problems.push(...replicas.problems);
    } finally {
      await Promise.all([embedded, simulator, ...equals, ...divided].map((server) => server.stop()));
      await Promise.all([data.stop(), otherData.stop()]);
    }
  }

  async #throughput(env: NodeJS.ProcessEnv, workers: number): Promise<void> {
    const folder = await this.#folder();
    const options = { speed: '1', concurrency: 1 };
    const simulators = await Promise.all(
      Array.from({ length: workers }, async () => startSimulator(await this.#folder(), options)),
    );
    const idealMs = await runMs(simulators[0]!);
    const comfyUI = simulators.map(({ url }) => url).join(',');
    const roles = ['api', ...Array.from({ length: workers }, () => 'worker')];
    const fleet = await startFleet({ comfyUI, directory: folder, concurrency: 1, env }, roles);
    const replicas = new Replicas(new PictureCheck(folder));
    try {
      this.#note(await replicas.throughput(fleet[0]!, workers, idealMs), replicas.problems);
    } finally {
      await Promise.all([...fleet, ...simulators].map((server) => server.stop()));
    }
  }

  #folder(): Promise<string> {
    return mkdtemp(join(this.directory, 'part-'));
  }

  #note(figure: Figure, problems: readonly string[]): void {
    this.figures.push(figure);
    this.problems.push(...problems);
    console.error(`${figure.what}: ${figure.measured}`);
  }
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-bench-'));
  try {
    const bench = new Benchmark(directory);
    await introduce(directory);
    await report(bench, process.argv.slice(2));
    for (const problem of bench.problems.slice(0, 20)) console.error(problem);
    if (bench.problems.length > 0) process.exitCode = 1;
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

/** @param parts the measurements asked for; none: all */
async function report(bench: Benchmark, parts: readonly string[]): Promise<void> {
  const isWanted = (part: string) => parts.length === 0 || parts.includes(part);
  if (isWanted('compare')) console.log(markdownTable(HEADINGS, await bench.sideBySide()));
  if (isWanted('progress')) await bench.progress();
  if (isWanted('waiting')) {
    await bench.waiting(PROMPTS_AT_ONCE, (memory) => memory.callers(PROMPTS_AT_ONCE));
    await bench.waiting(WAITING, (memory) => memory.callers(WAITING));
    await bench.waiting(PROMPTS_AT_ONCE, (memory) => memory.viewers());
  }
  if (isWanted('restart')) await bench.restart();
  if (isWanted('storing')) await bench.storing();
  // Only when asked for: it needs a PostgreSQL, which it installs, and a Redis.
  if (parts.includes('replicas')) await bench.replicas();
  console.log(`\n${markdownTable(FIGURE_HEADINGS, bench.figures.map(figureRow))}`);
  const { length } = bench.problems;
  console.log(`\n${length === 0 ? 'No errors, every picture as made.' : `${length} errors.`}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

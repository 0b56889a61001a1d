import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEADINGS, markdownTable, measure, row } from './measurement';
import { PictureCheck, type PictureKind } from './pictures';
import { type ServerProcess, startBareServer, startService, startSimulator } from './processes';
import { type Load, type RoundResult, runRound } from './round';

const SMALL: PictureKind = { label: '200 KB', side: 258, count: 1 };
const LARGE: PictureKind = { label: '1.4 MB', side: 690, count: 1 };
const BATCH: PictureKind = { label: '8 x 8 MB', side: 1634, count: 8 };

const LOADS: readonly Load[] = [
  { pictures: SMALL, callers: 1, requests: 100 },
  { pictures: SMALL, callers: 16, requests: 240 },
  { pictures: SMALL, callers: 64, requests: 256 },
  { pictures: LARGE, callers: 1, requests: 50 },
  { pictures: LARGE, callers: 16, requests: 96 },
  { pictures: LARGE, callers: 64, requests: 128 },
];
const WARM_UP: Load = { pictures: SMALL, callers: 16, requests: 1000 };
const MEMORY_LOAD: Load = { pictures: BATCH, callers: 8, requests: 16 };
const MEMORY_GOAL_MIB = 200;

const PAIRS_OF_ROUNDS = 6;
const PROMPTS_AT_ONCE = 16;

class Bench {
  readonly problems: string[] = [];

  constructor(
    private readonly comfyUI: string,
    private readonly check: PictureCheck,
  ) {}

  /** The rows of the table. Both servers stay up throughout, as servers do, and are warm when the clock starts. */
  async compareAll(loads: readonly Load[]): Promise<string[][]> {
    const servers = [await startBareServer(this.comfyUI), await startService(this.comfyUI)] as const;
    try {
      for (const server of servers) await this.#round(server, WARM_UP);
      const rows: string[][] = [];
      for (const load of loads) {
        rows.push(await this.#compare(servers, load));
        console.error(`${load.pictures.label}, ${load.callers} callers: done`);
      }
      return rows;
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }

  /** Short rounds in turn, and in turned order, so that whatever else the machine does hits both alike. */
  async #compare([bare, service]: readonly [ServerProcess, ServerProcess], load: Load): Promise<string[]> {
    const rounds = { bare: [] as RoundResult[], service: [] as RoundResult[] };
    for (let pair = 0; pair < PAIRS_OF_ROUNDS; pair++) {
      if (pair % 2 === 0) rounds.bare.push(await this.#round(bare, load));
      rounds.service.push(await this.#round(service, load));
      if (pair % 2 === 1) rounds.bare.push(await this.#round(bare, load));
    }
    return row(load.pictures.label, load.callers, measure(rounds.bare), measure(rounds.service));
  }

  /** The most memory a fresh process ever took, MiB. */
  async peakMemory(start: (comfyUI: string) => Promise<ServerProcess>): Promise<number> {
    const server = await start(this.comfyUI);
    try {
      await this.#round(server, MEMORY_LOAD);
      return await server.peakMemoryMiB();
    } finally {
      await server.stop();
    }
  }

  async #round(server: ServerProcess, load: Load): Promise<RoundResult> {
    const result = await runRound(server, load, this.check);
    this.problems.push(...result.problems.map((problem) => `${server.name}: ${problem}`));
    return result;
  }
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-bench-'));
  const simulator = await startSimulator(directory, PROMPTS_AT_ONCE);
  try {
    const bench = new Bench(simulator.url, new PictureCheck(directory));
    await report(bench);
    for (const problem of bench.problems.slice(0, 20)) console.error(problem);
    if (bench.problems.length > 0) process.exitCode = 1;
  } finally {
    await simulator.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function report(bench: Bench): Promise<void> {
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} cores. Each cell: bare server / service = ratio.`,
  );
  console.log('The service runs as npm start runs it, LOG_LEVEL=info as JSON, to /dev/null.\n');
  console.log(markdownTable(HEADINGS, await bench.compareAll(LOADS)));
  const bare = await bench.peakMemory(startBareServer);
  const service = await bench.peakMemory(startService);
  const { callers, pictures } = MEMORY_LOAD;
  console.log(
    `\nPeak memory, ${callers} callers, ${pictures.label} each: bare server ${bare.toFixed(0)} MiB, ` +
      `service ${service.toFixed(0)} MiB (goal: at most ${MEMORY_GOAL_MIB}): ${service <= MEMORY_GOAL_MIB ? 'yes' : 'no'}`,
  );
  console.log(
    `\n${bench.problems.length === 0 ? 'No errors, every picture as made.' : `${bench.problems.length} errors.`}`,
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

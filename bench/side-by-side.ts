import { HEADINGS, measure, row } from './measurement';
import { type Figure, markdownTable } from './figures';
import type { PictureKind } from './pictures';
import type { ServerProcess } from './processes';
import type { Report } from './report';
import { type Load, type RoundResult, runRound } from './round';
import { startBareServer, startService, startStandIn } from './servers';

const SMALL: PictureKind = { label: '200 KB', side: 258, count: 1 };
const LARGE: PictureKind = { label: '1.4 MB', side: 690, count: 1 };
const BATCH: PictureKind = { label: '8 x 8 MB', side: 1634, count: 8 };

const LOADS: readonly Load[] = [
  { pictures: SMALL, callers: 1, requests: 100 },
  { pictures: SMALL, callers: 64, requests: 256 },
  { pictures: SMALL, callers: 256, requests: 512 },
  { pictures: LARGE, callers: 1, requests: 50 },
  { pictures: LARGE, callers: 64, requests: 128 },
  { pictures: LARGE, callers: 256, requests: 256 },
];
/** More callers than prompts at once: some jobs wait in the queue. */
const WARM_UP: Load = { pictures: SMALL, callers: 64, requests: 4_000 };
const MEMORY_LOAD: Load = { pictures: BATCH, callers: 8, requests: 16 };
const MEMORY_GOAL_MIB = 200;

const PAIRS_OF_ROUNDS = 6;

interface Starters {
  readonly bare: () => Promise<ServerProcess>;
  readonly service: () => Promise<ServerProcess>;
}

/** Prints the table. */
export async function compare(report: Report): Promise<void> {
  const standIn = await startStandIn();
  const start = {
    bare: () => startBareServer(standIn.url),
    service: async () => startService({ comfyUI: standIn.url, directory: await report.folder() }),
  };
  const sideBySide = new SideBySide(start, standIn);
  try {
    console.log(markdownTable(HEADINGS, await sideBySide.rows()));
    report.add(await sideBySide.peakMemory(), sideBySide.problems);
  } finally {
    await standIn.stop();
  }
}

/** The bare server and the service, in front of the same stand-in, under the same loads. */
class SideBySide {
  readonly problems: string[] = [];

  constructor(
    private readonly start: Starters,
    private readonly standIn: ServerProcess,
  ) {}

  /** The rows of the table. Both servers run all the time and are warm when the clock starts. */
  async rows(): Promise<string[][]> {
    const servers = [await this.start.bare(), await this.start.service()] as const;
    try {
      for (const server of servers) await this.#round(server, WARM_UP);
      const rows: string[][] = [];
      for (const load of LOADS) {
        rows.push(await this.#compare(servers, load));
        console.error(`${load.pictures.label}, ${load.callers} callers: done`);
      }
      return rows;
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }

  /** The peak memory of new processes. */
  async peakMemory(): Promise<Figure> {
    const bare = await this.#peakMemoryOf(this.start.bare);
    const service = await this.#peakMemoryOf(this.start.service);
    const { callers, pictures } = MEMORY_LOAD;
    return {
      what: `peak memory, ${callers} callers, ${pictures.label} each`,
      measured: `${service.toFixed(0)} MiB (bare server: ${bare.toFixed(0)} MiB)`,
      goal: `<= ${MEMORY_GOAL_MIB} MiB`,
      holds: service <= MEMORY_GOAL_MIB,
    };
  }

  /** Short rounds in alternating order, so that other load of the machine affects both alike. */
  async #compare([bare, service]: readonly [ServerProcess, ServerProcess], load: Load): Promise<string[]> {
    const rounds = { bare: [] as RoundResult[], service: [] as RoundResult[] };
    for (let pair = 0; pair < PAIRS_OF_ROUNDS; pair++) {
      if (pair % 2 === 0) rounds.bare.push(await this.#round(bare, load));
      rounds.service.push(await this.#round(service, load));
      if (pair % 2 === 1) rounds.bare.push(await this.#round(bare, load));
    }
    return row(load.pictures.label, load.callers, measure(rounds.bare), measure(rounds.service));
  }

  async #peakMemoryOf(start: () => Promise<ServerProcess>): Promise<number> {
    const server = await start();
    try {
      await this.#round(server, MEMORY_LOAD);
      return await server.peakMemoryMiB();
    } finally {
      await server.stop();
    }
  }

  async #round(server: ServerProcess, load: Load): Promise<RoundResult> {
    const result = await runRound(server, this.standIn, load);
    this.problems.push(...result.problems.map((problem) => `${server.name}: ${problem}`));
    return result;
  }
}

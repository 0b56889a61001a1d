import { startDataServers } from './data-servers';
import { type Figure, quantile } from './figures';
import type { ServerProcess } from './processes';
import type { Report } from './report';
import { type Load, type RoundResult, runRound } from './round';
import { startFleet, startService, startStandIn } from './servers';

const ONE_CALLER: Load = { pictures: { label: '200 KB', side: 258, count: 1 }, callers: 1, requests: 100 };
const WARM_UP: Load = { ...ONE_CALLER, callers: 8, requests: 3_000 };
const PAIRS_OF_ROUNDS = 8;
const GOAL_MS = 5;

/** The additional time of a request when several processes share the work, compared with one process. */
export async function replicaOverhead(report: Report): Promise<void> {
  const standIn = await startStandIn();
  const [data, otherData] = [await startDataServers(), await startDataServers()];
  const embedded = await startService({ comfyUI: standIn.url, directory: await report.folder() });
  // One server under two addresses: each replica has the lease of one.
  const comfyUI = [standIn.url, standIn.url.replace('127.0.0.1', 'localhost')].join(',');
  const equals = await startFleet({ comfyUI, directory: await report.folder(), env: data.env }, ['all', 'all']);
  const divided = await startFleet({ comfyUI: standIn.url, directory: await report.folder(), env: otherData.env }, [
    'api',
    'worker',
  ]);
  try {
    const fleets = { 'two replicas': equals[0]!, 'api + worker': divided[0]! };
    const overhead = new ReplicaOverhead(standIn);
    for (const figure of await overhead.measure(embedded, fleets)) report.add(figure);
    report.problems.push(...overhead.problems);
  } finally {
    await Promise.all([embedded, standIn, ...equals, ...divided].map((server) => server.stop()));
    await Promise.all([data.stop(), otherData.stop()]);
  }
}

class ReplicaOverhead {
  readonly problems: string[] = [];

  constructor(private readonly standIn: ServerProcess) {}

  /** @param fleets the process of each fleet that takes requests, by the name of the fleet */
  async measure(embedded: ServerProcess, fleets: Readonly<Record<string, ServerProcess>>): Promise<readonly Figure[]> {
    const servers = [embedded, ...Object.values(fleets)];
    for (const server of servers) await this.#round(server, WARM_UP);
    const latencies = new Map<ServerProcess, number[]>(servers.map((server) => [server, []]));
    // Alternating order: work that one server leaves behind slows down the next.
    for (let round = 0; round < PAIRS_OF_ROUNDS; round += 1)
      for (const server of round % 2 === 0 ? servers : servers.toReversed())
        latencies.get(server)?.push(...(await this.#round(server, ONE_CALLER)).latenciesMs);
    const p50 = (server: ServerProcess) => quantile(latencies.get(server) ?? [], 0.5);
    return Object.entries(fleets).map(([what, server]) => overheadFigure(what, p50(server), p50(embedded)));
  }

  async #round(server: ServerProcess, load: Load): Promise<RoundResult> {
    const result = await runRound(server, this.standIn, load);
    this.problems.push(...result.problems);
    return result;
  }
}

function overheadFigure(what: string, fleetMs: number, embeddedMs: number): Figure {
  const overMs = fleetMs - embeddedMs;
  return {
    what: `${what}, PostgreSQL and Redis, to one process: p50 of a 200 KB picture, 1 caller`,
    measured: `${overMs < 0 ? '' : '+'}${overMs.toFixed(1)} ms (${fleetMs.toFixed(1)} to ${embeddedMs.toFixed(1)} ms)`,
    goal: `<= +${GOAL_MS} ms`,
    holds: overMs <= GOAL_MS,
  };
}

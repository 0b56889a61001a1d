import { setTimeout } from 'node:timers/promises';
import { isIdle } from './callers';
import { type Figure, quantile } from './figures';
import type { PictureCheck } from './pictures';
import type { ServerProcess } from './processes';
import { type Load, runRound } from './round';

const ONE_CALLER: Load = { pictures: { label: '200 KB', side: 258, count: 1 }, callers: 1, requests: 100 };
const WARM_UP: Load = { ...ONE_CALLER, callers: 8, requests: 3_000 };
const PAIRS_OF_ROUNDS = 8;
const OVERHEAD_GOAL_MS = 5;

const RUN_MS = 200;
/** The rest of it is what a run takes beside. */
const SLEEP_MS = 166;
const IDEAL_RUNS = 40;
const JOBS_A_SERVER = 60;
const IDEAL_GOAL = 0.9;
const LOOK_MS = 50;

interface JobTimes {
  readonly status: string;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** What it costs that several processes share the work. */
export class Replicas {
  readonly problems: string[] = [];

  constructor(private readonly check: PictureCheck) {}

  /**
   * @param embedded one process on its own
   * @param fleets a process that takes requests of each, in front of the same simulator; by what they are
   */
  async overhead(embedded: ServerProcess, fleets: Readonly<Record<string, ServerProcess>>): Promise<readonly Figure[]> {
    const servers = [embedded, ...Object.values(fleets)];
    for (const server of servers) await this.#latencies(server, WARM_UP);
    const latencies = new Map<ServerProcess, number[]>(servers.map((server) => [server, []]));
    // Each is measured as often before as after each other: what one leaves to do, the next pays for.
    for (let round = 0; round < PAIRS_OF_ROUNDS; round += 1)
      for (const server of round % 2 === 0 ? servers : servers.toReversed())
        latencies.get(server)?.push(...(await this.#latencies(server, ONE_CALLER)));
    const p50 = (server: ServerProcess) => quantile(latencies.get(server) ?? [], 0.5);
    return Object.entries(fleets).map(([what, server]) => overheadFigure(what, p50(server), p50(embedded)));
  }

  /**
   * @param api of a fleet with so many workers, each of which has one server
   * @param idealMs how long such a server takes for each run when it is handed all of them directly
   */
  async throughput(api: ServerProcess, workers: number, idealMs: number): Promise<Figure> {
    const jobs = JOBS_A_SERVER * workers;
    const ids = await Promise.all(Array.from({ length: jobs }, (_, index) => submitRun(api.url, index)));
    while (!(await isIdle(api.url))) await setTimeout(LOOK_MS);
    const times = await Promise.all(ids.map((id) => timesOf(api.url, id)));
    const failed = times.filter(({ status }) => status !== 'succeeded').length;
    if (failed > 0) this.problems.push(`${failed} of ${jobs} jobs did not succeed with ${workers} workers`);
    const began = Math.min(...times.map(({ startedAt }) => Date.parse(startedAt)));
    const ended = Math.max(...times.map(({ endedAt }) => Date.parse(endedAt)));
    const ideal = (JOBS_A_SERVER * idealMs) / (ended - began);
    return {
      what: `${workers === 1 ? '1 worker' : `${workers} workers`}, each with a server that takes ${RUN_MS} ms a run`,
      measured: `${((jobs * 1000) / (ended - began)).toFixed(1)} jobs/s, ${ideal.toFixed(2)} of ideal`,
      goal: `>= ${IDEAL_GOAL} of ideal`,
      holds: ideal >= IDEAL_GOAL,
    };
  }

  async #latencies(server: ServerProcess, load: Load): Promise<readonly number[]> {
    const { latenciesMs, problems } = await runRound(server, load, this.check);
    this.problems.push(...problems);
    return latenciesMs;
  }
}

function overheadFigure(what: string, fleetMs: number, embeddedMs: number): Figure {
  const overMs = fleetMs - embeddedMs;
  return {
    what: `${what}, PostgreSQL and Redis, to one process: p50 of a 200 KB picture, 1 caller`,
    measured: `${overMs < 0 ? '' : '+'}${overMs.toFixed(1)} ms (${fleetMs.toFixed(1)} to ${embeddedMs.toFixed(1)} ms)`,
    goal: `<= +${OVERHEAD_GOAL_MS} ms`,
    holds: overMs <= OVERHEAD_GOAL_MS,
  };
}

/** How long a server takes for each of many runs that it is handed at once, ms. */
export async function runMs({ url }: ServerProcess): Promise<number> {
  const started = performance.now();
  for (let index = 0; index < IDEAL_RUNS; index += 1)
    await fetch(`${url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt: sleepingPrompt(-index) }) });
  for (;;) {
    const { exec_info } = (await (await fetch(`${url}/prompt`)).json()) as { exec_info: { queue_remaining: number } };
    if (exec_info.queue_remaining === 0) return (performance.now() - started) / IDEAL_RUNS;
    await setTimeout(LOOK_MS / 10);
  }
}

function sleepingPrompt(index: number): object {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: index & 0xffffff } },
    '2': {
      class_type: 'SimulatedSleep',
      inputs: { seconds: SLEEP_MS / 1000, steps: 2, preview: false, image: ['1', 0] },
    },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: `run${index}` } },
  };
}

async function submitRun(url: string, index: number): Promise<string> {
  const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' };
  const answer = await fetch(`${url}/generate`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ prompt: sleepingPrompt(index) }),
  });
  if (answer.status !== 202) throw new Error(`Not taken: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}

async function timesOf(url: string, id: string): Promise<JobTimes> {
  return (await (await fetch(`${url}/jobs/${id}`)).json()) as JobTimes;
}

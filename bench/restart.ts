import { Agent } from 'node:http';
import { lengthOfQueue, submit, until } from './callers';
import { type Figure, quantile } from './figures';
import type { ServerProcess } from './processes';
import { hold, letGo, PLACES } from './servers';

const JOBS = 10_000;
const CALLERS = 64;
const RESTARTS = 3;
const GOAL_MS = 2_000;

/** How soon the service is ready again after a `kill -9` with many jobs in its queue, and some at ComfyUI. */
export class Restart {
  readonly problems: string[] = [];

  constructor(
    private readonly simulator: ServerProcess,
    private readonly startService: () => Promise<ServerProcess>,
  ) {}

  async measure(): Promise<Figure> {
    await hold(this.simulator);
    const empty = await this.#fill();
    const times: number[] = [];
    for (let count = 0; count < RESTARTS; count++) times.push(await this.#restart());
    await letGo(this.simulator);
    const median = quantile(times, 0.5);
    return {
      what: `ready after \`kill -9\` with ${JOBS} queued jobs`,
      measured: `${seconds(median)} s (without jobs: ${seconds(empty)} s)`,
      goal: `<= ${GOAL_MS / 1000} s`,
      holds: median <= GOAL_MS,
    };
  }

  /** Until so many wait, besides those that ComfyUI was handed. Returns how long the start took. */
  async #fill(): Promise<number> {
    const service = await this.startService();
    const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
    let left = JOBS + PLACES;
    const caller = async () => {
      while (left-- > 0) await submit(service.url, agent);
    };
    try {
      await Promise.all(Array.from({ length: CALLERS }, caller));
      await until('all jobs wait', async () => (await lengthOfQueue(service.url)) === JOBS);
      return service.readyMs;
    } finally {
      agent.destroy();
      await service.kill();
    }
  }

  async #restart(): Promise<number> {
    const service = await this.startService();
    try {
      const waiting = await lengthOfQueue(service.url);
      if (waiting !== JOBS) this.problems.push(`after a restart ${waiting} jobs wait instead of ${JOBS}`);
      return service.readyMs;
    } finally {
      await service.kill();
    }
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

import { Agent } from 'node:http';
import { lengthOfQueue, submit, until } from './callers';
import { type Figure, quantile } from './figures';
import type { ServerProcess } from './processes';
import type { Report } from './report';
import { hold, letGo, PLACES, startService, startSimulator } from './servers';

const JOBS = 10_000;
const CALLERS = 64;
const RESTARTS = 3;
const GOAL_MS = 2_000;

/** The time until the service is ready after a `kill -9` with many jobs in its queue, and some at ComfyUI. */
export async function measureRestart(report: Report): Promise<void> {
  const simulator = await startSimulator(await report.folder());
  const directory = await report.folder();
  const restart = new Restart(simulator, () => startService({ comfyUI: simulator.url, directory }));
  try {
    report.add(await restart.measure(), restart.problems);
  } finally {
    await simulator.stop();
  }
}

class Restart {
  readonly problems: string[] = [];

  constructor(
    private readonly simulator: ServerProcess,
    private readonly start: () => Promise<ServerProcess>,
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

  /** Fills the queue, beyond the prompts that ComfyUI has. @returns the start-up time without jobs, ms */
  async #fill(): Promise<number> {
    const service = await this.start();
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
    const service = await this.start();
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

import { Agent, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { generate, submit, unendedJobs, until } from './callers';
import type { Figure } from './figures';
import type { MemoryUsage, ServerProcess } from './processes';
import type { Report } from './report';
import { hold, letGo, PROMPTS_AT_ONCE, startService, startSimulator } from './servers';

const WAITING = 500;
const GOAL_BYTES = 20_000;
/** First one after the other, so that no memory of many requests remains; then many, so that all code has run. */
const WARM_UP_REQUESTS = 100;
const WARM_UP_CALLERS = 40;

/**
 * The memory per caller that waits for its picture, and per viewer of a job: that of the service with 500 of them less
 * that without them, each after garbage collections.
 */
export async function measureWaiting(report: Report): Promise<void> {
  await withService(report, PROMPTS_AT_ONCE, (memory) => memory.callers(PROMPTS_AT_ONCE));
  await withService(report, WAITING, (memory) => memory.callers(WAITING));
  await withService(report, PROMPTS_AT_ONCE, (memory) => memory.viewers());
}

/** @param concurrency prompts that run at once: callers wait for those, or for their turn */
async function withService(
  report: Report,
  concurrency: number,
  measure: (memory: WaitingMemory) => Promise<Figure>,
): Promise<void> {
  const simulator = await startSimulator(await report.folder(), { concurrency });
  const directory = await report.folder();
  const service = await startService({ comfyUI: simulator.url, directory, concurrency, withMemoryProbe: true });
  const memory = new WaitingMemory(service, simulator);
  try {
    await memory.warmUp();
    report.add(await measure(memory), memory.problems);
  } finally {
    await service.kill();
    await simulator.stop();
  }
}

class WaitingMemory {
  readonly problems: string[] = [];

  constructor(
    private readonly service: ServerProcess,
    private readonly simulator: ServerProcess,
  ) {}

  async warmUp(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < WARM_UP_REQUESTS; count++) await buffer(await generate(this.service.url, agent));
    await this.#view(await submit(this.service.url, agent), agent).ended;
    agent.destroy();
    const callers = new Agent();
    const responses = Array.from({ length: WARM_UP_CALLERS }, () => generate(this.service.url, callers));
    for (const response of await Promise.all(responses)) await buffer(response);
  }

  /** Callers of `POST /generate`; the simulator holds the prompts that run. */
  async callers(running: number): Promise<Figure> {
    const agent = new Agent();
    await hold(this.simulator);
    const before = await this.service.memory();
    let responded = 0;
    const responses = Array.from({ length: WAITING }, async () => {
      const response = await generate(this.service.url, agent).finally(() => (responded += 1));
      await buffer(response);
      return response.statusCode;
    });
    await until('all callers wait', async () => (await unendedJobs(this.service.url)) === WAITING);
    const during = await this.service.memory();
    if (responded > 0) this.problems.push(`${responded} callers had a response before the end`);
    await letGo(this.simulator);
    for (const status of await Promise.all(responses)) if (status !== 200) this.problems.push(`caller: ${status}`);
    if (running < WAITING) return judged(toCost(`callers that wait, ${running} run`, before, during));
    return toCost('callers that wait, all run', before, during).figure;
  }

  /** Viewers of one job that runs. */
  async viewers(): Promise<Figure> {
    const agent = new Agent();
    await hold(this.simulator);
    const id = await submit(this.service.url, agent);
    const before = await this.service.memory();
    const viewers = Array.from({ length: WAITING }, () => this.#view(id, agent));
    await Promise.all(viewers.map(({ begun }) => begun));
    const during = await this.service.memory();
    await letGo(this.simulator);
    await Promise.all(viewers.map(({ ended }) => ended));
    return judged(toCost('viewers of one job', before, during));
  }

  /** `begun` resolves with the first event, `ended` at the end of the job. */
  #view(id: string, agent: Agent): { readonly begun: Promise<unknown>; readonly ended: Promise<unknown> } {
    const outgoing = get(`${this.service.url}/jobs/${id}/events`, { agent });
    const stream = once(outgoing, 'response').then(([response]: IncomingMessage[]) => {
      if (response?.statusCode !== 200) this.problems.push(`viewer: ${response?.statusCode}`);
      return { begun: once(response!, 'data'), ended: once(response!, 'end') };
    });
    return { begun: stream.then(({ begun }) => begun), ended: stream.then(({ ended }) => ended) };
  }
}

interface Cost {
  readonly figure: Figure;
  readonly bytes: number;
}

/** Resident memory depends on what the process had returned before: it is printed, and the goal is for the heap. */
function toCost(what: string, before: MemoryUsage, during: MemoryUsage): Cost {
  const each = (of: (usage: MemoryUsage) => number) => (of(during) - of(before)) / WAITING;
  const bytes = each(({ heapUsed, external }) => heapUsed + external);
  const resident = each(({ rss }) => rss);
  const measured = `${kilobytes(bytes)} KB (resident: ${kilobytes(resident)} KB)`;
  return { figure: { what: `memory for each of ${WAITING} ${what}`, measured }, bytes };
}

function judged({ figure, bytes }: Cost): Figure {
  return { ...figure, goal: `<= ${GOAL_BYTES / 1000} KB`, holds: bytes <= GOAL_BYTES };
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}

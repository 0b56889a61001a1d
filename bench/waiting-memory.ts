import { Agent, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { generate, submit, unendedJobs, until } from './callers';
import type { Figure } from './figures';
import type { MemoryUsage, ServerProcess } from './processes';
import { hold, letGo } from './servers';

export const WAITING = 500;
const GOAL_BYTES = 20_000;
/** Most one after the other, so that no memory is left over from a crowd; the last wait for their turn, so that all code has run. */
const WARM_UP_REQUESTS = 100;
const WARM_UP_CALLERS = 40;

/**
 * What a caller costs that waits for its picture, and a viewer that watches a job: the memory of the service with 500 of
 * them less its memory before they came, each after garbage collections.
 */
export class WaitingMemory {
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
    const answers = Array.from({ length: WARM_UP_CALLERS }, () => generate(this.service.url, callers));
    for (const answer of await Promise.all(answers)) await buffer(answer);
  }

  /** Callers of `POST /generate`; the simulator holds the prompts that run. */
  async callers(running: number): Promise<Figure> {
    const agent = new Agent();
    await hold(this.simulator);
    const before = await this.service.memory();
    let answered = 0;
    const answers = Array.from({ length: WAITING }, async () => {
      const answer = await generate(this.service.url, agent).finally(() => (answered += 1));
      await buffer(answer);
      return answer.statusCode;
    });
    await until('all callers wait', async () => (await unendedJobs(this.service.url)) === WAITING);
    const during = await this.service.memory();
    if (answered > 0) this.problems.push(`${answered} callers were answered before the end`);
    await letGo(this.simulator);
    for (const status of await Promise.all(answers)) if (status !== 200) this.problems.push(`caller: ${status}`);
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

  /** `begun` resolves with the first event, `ended` with the end of the job. */
  #view(id: string, agent: Agent): { readonly begun: Promise<unknown>; readonly ended: Promise<unknown> } {
    const outgoing = get(`${this.service.url}/jobs/${id}/events`, { agent });
    const stream = once(outgoing, 'response').then(([answer]: IncomingMessage[]) => {
      if (answer?.statusCode !== 200) this.problems.push(`viewer: ${answer?.statusCode}`);
      return { begun: once(answer!, 'data'), ended: once(answer!, 'end') };
    });
    return { begun: stream.then(({ begun }) => begun), ended: stream.then(({ ended }) => ended) };
  }
}

interface Cost {
  readonly figure: Figure;
  readonly bytes: number;
}

/** What is resident depends on what the process had given back before: it is told, and the heap is judged. */
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

import { Agent, get, type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { type Figure, quantile } from './figures';
import type { ServerProcess } from './processes';
import { SocketProxy } from './socket-proxy';

const STEPS = 500;
const STEP_MS = 20;
const WARM_UP_STEPS = 100;
const GOAL_MS = 5;

type Times = Map<number, number>;

interface Message {
  readonly type: string;
  readonly data: { readonly value?: number; readonly nodes?: Readonly<Record<string, { readonly value: number }>> };
}

/**
 * How long after ComfyUI's message the viewer of a job has its progress. The clock starts when this process passes the
 * message that first tells a step on to the service, and stops when it has read the event that tells this step.
 */
export class ProgressDelay {
  readonly problems: string[] = [];
  readonly #sent: Times = new Map();

  /** Starts the service behind a proxy of its own, measures, and stops it. The simulator must take its time. */
  async measure(comfyUI: string, startService: (comfyUI: string) => Promise<ServerProcess>): Promise<Figure> {
    const proxy = await SocketProxy.start(comfyUI, (message) => this.#hear(message));
    const service = await startService(proxy.url);
    try {
      await this.#watch(service.url, WARM_UP_STEPS);
      return this.#toFigure(await this.#watch(service.url, STEPS));
    } finally {
      await service.stop();
      proxy.stop();
    }
  }

  #hear(message: string): void {
    const { type, data } = JSON.parse(message) as Message;
    if (type === 'progress') this.#note(data.value);
    if (type === 'progress_state') this.#note(data.nodes?.['1']?.value);
  }

  #note(step: number | undefined): void {
    if (step !== undefined && !this.#sent.has(step)) this.#sent.set(step, performance.now());
  }

  async #watch(url: string, steps: number): Promise<Times> {
    const agent = new Agent({ keepAlive: true });
    const id = await submitSteps(url, agent, steps);
    this.#sent.clear();
    const stream = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/jobs/${id}/events`, { agent }, resolve).once('error', reject);
    });
    const seen: Times = new Map();
    let text = '';
    for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
      text = readEvents(text + chunk, seen);
    }
    agent.destroy();
    return seen;
  }

  #toFigure(seen: Times): Figure {
    const delays = [...this.#sent].flatMap(([step, at]) => (seen.has(step) ? [seen.get(step)! - at] : []));
    if (delays.length < STEPS * 0.95) this.problems.push(`the viewer saw ${delays.length} of ${STEPS} steps`);
    const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
    return {
      what: "ComfyUI's progress to a viewer, p50",
      measured: `${p50.toFixed(1)} ms (p99: ${p99.toFixed(1)} ms)`,
      goal: `<= ${GOAL_MS} ms`,
      holds: p50 <= GOAL_MS,
    };
  }
}

/** Notes when a step was first told; returns what is not yet a whole event. */
function readEvents(text: string, seen: Times): string {
  const events = text.split('\n\n');
  const rest = events.pop() ?? '';
  const now = performance.now();
  for (const event of events) {
    const [, data] = /^event: progress\ndata: (.*)$/m.exec(event) ?? [];
    const step = data === undefined ? null : (JSON.parse(data) as { step: number | null }).step;
    if (step !== null && !seen.has(step)) seen.set(step, now);
  }
  return rest;
}

async function submitSteps(url: string, agent: Agent, steps: number): Promise<string> {
  const sleep = { seconds: (steps * STEP_MS) / 1000, steps, preview: false };
  const prompt = {
    '1': { class_type: 'SimulatedSleep', inputs: sleep },
    '2': { class_type: 'SimulatedSink', inputs: { source: ['1', 0] } },
  };
  const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(`${url}/generate`, { method: 'POST', agent, headers }, resolve);
    outgoing.once('error', reject).end(JSON.stringify({ prompt }));
  });
  return ((await json(answer)) as { id: string }).id;
}

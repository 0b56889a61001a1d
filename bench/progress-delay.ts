import { Agent, get, type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { FaultProxy } from '../test/support/fault-proxy';
import { type Figure, quantile } from './figures';
import type { ServerProcess } from './processes';
import type { Report } from './report';
import { startService, startSimulator } from './servers';

const STEPS = 500;
const STEP_MS = 20;
const WARM_UP_STEPS = 100;
const GOAL_MS = 5;

type Times = Map<number, number>;

/** A progress message on the wire; node 1 is the first one of its nodes. */
const PROGRESS = /"type": ?"progress(?:_state)?".*?"value": ?(\d+)/g;

export async function measureProgress(report: Report): Promise<void> {
  const simulator = await startSimulator(await report.folder(), { speed: '1' });
  const directory = await report.folder();
  const delay = new ProgressDelay();
  try {
    const figure = await delay.measure(simulator.url, (comfyUI) => startService({ comfyUI, directory }));
    report.add(figure, delay.problems);
  } finally {
    await simulator.stop();
  }
}

/**
 * The delay from ComfyUI's progress message to the event that a viewer of the job receives. The clock starts when this
 * process forwards the first message with a step to the service, and stops when it has read the event with this step.
 */
class ProgressDelay {
  readonly problems: string[] = [];
  readonly #sent: Times = new Map();

  /** Starts the service behind a proxy, measures, and stops it. The simulator must run in real time. */
  async measure(comfyUI: string, start: (comfyUI: string) => Promise<ServerProcess>): Promise<Figure> {
    const proxy = await FaultProxy.to(comfyUI, { onResponse: (bytes) => this.#read(bytes) });
    const service = await start(proxy.url);
    try {
      await this.#watch(service.url, WARM_UP_STEPS);
      return this.#toFigure(await this.#watch(service.url, STEPS));
    } finally {
      await service.stop();
      await proxy.close();
    }
  }

  #read(bytes: Buffer): void {
    for (const [, value] of bytes.toString('latin1').matchAll(PROGRESS)) {
      const step = Number(value);
      if (!this.#sent.has(step)) this.#sent.set(step, performance.now());
    }
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

/** Notes the time of the first event with each step. @returns the incomplete event at the end */
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
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(`${url}/generate`, { method: 'POST', agent, headers }, resolve);
    outgoing.once('error', reject).end(JSON.stringify({ prompt }));
  });
  return ((await json(response)) as { id: string }).id;
}

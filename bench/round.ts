import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type PictureKind, pictureProblem, requestBody } from './pictures';
import type { ServerProcess } from './processes';

export interface Load {
  readonly pictures: PictureKind;
  readonly callers: number;
  readonly requests: number;
}

/** One round of one server. */
export interface RoundResult {
  readonly latenciesMs: readonly number[];
  readonly elapsedMs: number;
  /** CPU time of the server. */
  readonly cpuMs: number;
  /** CPU time of ComfyUI's stand-in. */
  readonly standInCpuMs: number;
  readonly problems: readonly string[];
}

interface Reply {
  readonly prefix: string;
  readonly status: number;
  readonly body: Buffer;
  readonly latencyMs: number;
}

let rounds = 0;

/** Sends `requests` from `callers`, each caller one after the other; the pictures are compared after the clock stops. */
export async function runRound(server: ServerProcess, standIn: ServerProcess, load: Load): Promise<RoundResult> {
  const folder = `round${(rounds += 1)}`;
  const agent = new Agent({ keepAlive: true, maxSockets: load.callers });
  const replies: Reply[] = [];
  let sent = 0;
  const caller = async () => {
    while (sent < load.requests) {
      const index = sent++;
      const prefix = `${folder}/request${index}`;
      replies.push({ prefix, ...(await post(server.url, agent, requestBody(load.pictures, index, prefix))) });
    }
  };
  const [cpuBefore, standInBefore] = [await server.cpuMs(), await standIn.cpuMs()];
  const started = performance.now();
  await Promise.all(Array.from({ length: load.callers }, caller));
  const elapsedMs = performance.now() - started;
  const [cpuMs, standInCpuMs] = [(await server.cpuMs()) - cpuBefore, (await standIn.cpuMs()) - standInBefore];
  agent.destroy();
  const latenciesMs = replies.map(({ latencyMs }) => latencyMs);
  return { latenciesMs, elapsedMs, cpuMs, standInCpuMs, problems: findProblems(replies, load) };
}

function findProblems(replies: readonly Reply[], { pictures }: Load): string[] {
  return replies.flatMap(({ status, body, prefix }) => {
    const problem =
      status === 200 ? pictureProblem(body, prefix, pictures) : `${status}: ${body.toString('utf8', 0, 200)}`;
    return problem === undefined ? [] : [`${prefix}: ${problem}`];
  });
}

async function post(url: string, agent: Agent, body: string): Promise<Omit<Reply, 'prefix'>> {
  const started = performance.now();
  try {
    const { status, content } = await send(url, agent, body);
    return { status, body: content, latencyMs: performance.now() - started };
  } catch (error) {
    return { status: 0, body: Buffer.from(String(error)), latencyMs: performance.now() - started };
  }
}

function send(url: string, agent: Agent, body: string): Promise<{ status: number; content: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request(`${url}/generate`, { method: 'POST', agent, headers }, (response) => {
      buffer(response).then((content) => resolve({ status: response.statusCode ?? 0, content }), reject);
    });
    outgoing.on('error', reject).end(body);
  });
}

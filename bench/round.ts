import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type PictureCheck, type PictureKind, requestBody } from './pictures';
import type { ServerProcess } from './processes';

export interface Load {
  readonly pictures: PictureKind;
  readonly callers: number;
  readonly requests: number;
}

/** What one round showed of one server. */
export interface RoundResult {
  readonly latenciesMs: readonly number[];
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly problems: readonly string[];
}

interface Reply {
  readonly prefix: string;
  readonly status: number;
  readonly body: Buffer;
  readonly latencyMs: number;
}

let rounds = 0;

/** Sends `requests` from `callers`, each one after the other; the answers are checked when the clock has stopped. */
export async function runRound(server: ServerProcess, load: Load, check: PictureCheck): Promise<RoundResult> {
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
  const cpuBefore = await server.cpuMs();
  const started = performance.now();
  await Promise.all(Array.from({ length: load.callers }, caller));
  const elapsedMs = performance.now() - started;
  const cpuMs = (await server.cpuMs()) - cpuBefore;
  agent.destroy();
  const problems = await findProblems(replies, load, check);
  await check.forget(folder);
  return { latenciesMs: replies.map(({ latencyMs }) => latencyMs), elapsedMs, cpuMs, problems };
}

async function findProblems(replies: readonly Reply[], load: Load, check: PictureCheck): Promise<string[]> {
  const problems: string[] = [];
  for (const { status, body, prefix } of replies) {
    const problem =
      status === 200 ? await check.problem(body, prefix, load.pictures) : `${status}: ${body.toString('utf8', 0, 200)}`;
    if (problem !== undefined) problems.push(`${prefix}: ${problem}`);
  }
  return problems;
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
    const outgoing = request(`${url}/generate`, { method: 'POST', agent, headers }, (answer) => {
      buffer(answer).then((content) => resolve({ status: answer.statusCode ?? 0, content }), reject);
    });
    outgoing.on('error', reject).end(body);
  });
}

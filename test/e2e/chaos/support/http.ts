import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { parsePythonJson } from '../../../../src/shared/json';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** A request on its own connection: a kept connection would fail after a crash of the server. */
export async function call(url: string, options: Call = {}): Promise<Answer> {
  const answer = await open(url, options);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) };
}

/** As {@link call}, without waiting for the body. */
export function open(url: string, { method = 'GET', headers, body, timeoutMs }: Call = {}): Promise<IncomingMessage> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const type = content === undefined ? {} : { 'Content-Type': 'application/json' };
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent: false, signal, headers: { ...type, ...headers } }, resolve);
    outgoing.on('error', reject).end(content);
  });
}

/** ComfyUI's JSON may hold NaN. @throws Error unless the status is 200 */
export async function getJson<T>(url: string): Promise<T> {
  const { status, body } = await call(url, { timeoutMs: 15_000 });
  if (status !== 200) throw new Error(`${url} responded ${status}: ${body.toString('utf8', 0, 300)}`);
  return parsePythonJson(body.toString()) as T;
}

export function jsonOf({ body }: Answer): unknown {
  return JSON.parse(body.toString());
}

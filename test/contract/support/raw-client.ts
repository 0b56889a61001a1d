import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Server } from './server';

/** A received message: the object of a text frame, or the bytes of a binary frame. */
export type Received = { type: string; data: Record<string, unknown> } | Buffer;

export interface PromptBody {
  prompt: Record<string, { class_type: string; inputs: Record<string, unknown>; _meta?: unknown }>;
  client_id?: string;
  prompt_id?: string;
  [key: string]: unknown;
}

export interface HttpResponse {
  status: number;
  body: unknown;
}

const TIMEOUT_MS = 60_000;

export const isBinary = (message: Received): message is Buffer => Buffer.isBuffer(message);

export const isText = (message: Received): message is Exclude<Received, Buffer> => !Buffer.isBuffer(message);

export const isType =
  (type: string, promptId?: string) =>
  (message: Received): boolean =>
    isText(message) && message.type === type && (promptId === undefined || message.data['prompt_id'] === promptId);

/** The end marker of a prompt, after which its history can be read. */
export const isEndOf = (promptId: string) => (message: Received) =>
  isType('executing', promptId)(message) && isText(message) && message.data['node'] === null;

/** A client without any abstraction of the protocol. */
export class RawClient {
  readonly messages: Received[] = [];
  /** The close code of the socket; 1006 without a close frame. */
  closeCode: number | undefined;
  #waiting: (() => void)[] = [];

  private constructor(
    readonly server: Server,
    readonly id: string,
    readonly socket: WebSocket,
  ) {
    socket.on('message', (data, binary) => {
      const bytes = data as Buffer;
      this.messages.push(binary ? bytes : (JSON.parse(bytes.toString()) as Received));
      this.#wake();
    });
    socket.on('close', (code) => {
      this.closeCode = code;
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  /** Connects and waits for the first `status`. */
  static async connect(server: Server, options: { id?: string; flags?: object } = {}): Promise<RawClient> {
    const id = options.id ?? randomUUID();
    const url = `${server.url.replace(/^http/, 'ws')}/ws?clientId=${id}`;
    const client = new RawClient(server, id, new WebSocket(url, { headers: server.headers }));
    await once(client.socket, 'open');
    if (options.flags !== undefined) client.send({ type: 'feature_flags', data: options.flags });
    await client.waitFor(isType('status'));
    if (options.flags !== undefined) await client.waitFor(isType('feature_flags'));
    return client;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message from index `from` on that matches. */
  async waitFor(matches: (message: Received) => boolean, from = 0): Promise<Received> {
    await this.until(() => this.messages.slice(from).some(matches));
    const found = this.messages.slice(from).find(matches);
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  closed(): Promise<void> {
    return this.until(() => this.closeCode !== undefined);
  }

  async until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`timeout after ${TIMEOUT_MS} ms and ${this.messages.length} messages`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  submit(body: PromptBody): Promise<HttpResponse> {
    return post(this.server, '/prompt', { client_id: this.id, ...body });
  }

  /** Submits and waits for the end marker. */
  async run(body: PromptBody): Promise<{ response: HttpResponse; promptId: string }> {
    const promptId = randomUUID();
    const response = await this.submit({ prompt_id: promptId, ...body });
    if (response.status === 200) await this.waitFor(isEndOf(promptId));
    return { response, promptId };
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed();
  }

  #wake(): void {
    const waiters = this.#waiting;
    this.#waiting = [];
    for (const wake of waiters) wake();
  }
}

export async function post(server: Server, path: string, body: unknown): Promise<HttpResponse> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return responseOf(await fetch(server.url + path, { method: 'POST', body: text, headers: server.headers }));
}

export async function get(server: Server, path: string): Promise<HttpResponse> {
  return responseOf(await fetch(server.url + path, { headers: server.headers }));
}

async function responseOf(response: Response): Promise<HttpResponse> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : text };
}

/** The entry of a prompt; undefined if the server answers `{}`. */
export async function historyOf(server: Server, promptId: string): Promise<Record<string, unknown> | undefined> {
  const { body } = await get(server, `/history/${promptId}`);
  return (body as Record<string, Record<string, unknown>>)[promptId];
}

export async function historyWhenThere(server: Server, promptId: string): Promise<Record<string, unknown>> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const entry = await historyOf(server, promptId);
    if (entry !== undefined) return entry;
    if (Date.now() > deadline) throw new Error(`no history of ${promptId}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

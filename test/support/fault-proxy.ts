import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { ProxyConnection } from './proxy-connection';

export interface FaultProxyOptions {
  /** Receives the bytes of the client before the server gets them. */
  readonly onRequest?: (bytes: Buffer) => void;
  /** Receives the bytes of the server before the client gets them. */
  readonly onResponse?: (bytes: Buffer) => void;
}

/** An action that waits for a request. */
export interface Trigger {
  readonly hasFired: boolean;
}

interface ArmedTrigger {
  readonly text: string;
  readonly act: (connection: ProxyConnection) => void;
  hasFired: boolean;
}

/** A TCP proxy in front of a server, with faults on demand. */
export class FaultProxy {
  readonly #connections = new Set<ProxyConnection>();
  readonly #triggers = new Set<ArmedTrigger>();
  readonly #closed: Promise<unknown>;
  #rejectsUntil = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
    private readonly options: FaultProxyOptions,
  ) {
    this.#closed = once(server, 'close');
    server.on('connection', (client) => this.#accept(client));
  }

  static async to(url: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, new URL(url), options);
  }

  /** The URL of the server, with the address of the proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return url.href.replace(/\/$/, '');
  }

  /** Acts once: when the next request with this text has reached the server, before its response arrives. */
  onRequest(text: string, act: (connection: ProxyConnection) => void): Trigger {
    const trigger = { text, act, hasFired: false };
    this.#triggers.add(trigger);
    return trigger;
  }

  /** New connections are refused from now on; open ones stay. */
  refuse(): void {
    this.server.close();
  }

  /** New connections are reset during this time; open ones stay. */
  rejectFor(ms: number): void {
    this.#rejectsUntil = performance.now() + ms;
  }

  /** Ends open connections; default: all. */
  cut(isMeant: (connection: ProxyConnection) => boolean = () => true): void {
    for (const connection of this.#connections) if (isMeant(connection)) connection.cut();
  }

  /** Open connections carry no more bytes and do not end; new ones work. */
  hold(): void {
    for (const connection of this.#connections) connection.hold();
  }

  /** Open connections get the end of the stream from the server. */
  halfClose(): void {
    for (const { client } of this.#connections) client.end();
  }

  async close(): Promise<void> {
    this.refuse();
    this.cut();
    await this.#closed;
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (performance.now() < this.#rejectsUntil) return void client.destroy();
    const server = connect({ port: Number(this.target.port), host: this.target.hostname, noDelay: true });
    const connection = new ProxyConnection(client, server);
    this.#connections.add(connection);
    client.on('close', () => this.#connections.delete(connection));
    client.on('data', (bytes: Buffer) => this.#forward(bytes, connection));
    server.on('data', (bytes: Buffer) => {
      this.options.onResponse?.(bytes);
      connection.respond(bytes);
    });
  }

  #forward(bytes: Buffer, connection: ProxyConnection): void {
    this.options.onRequest?.(bytes);
    connection.opening ??= bytes;
    const triggered = [...this.#triggers].filter(({ text }) => bytes.includes(text));
    for (const trigger of triggered) {
      this.#triggers.delete(trigger);
      trigger.hasFired = true;
    }
    connection.server.write(bytes, () => triggered.forEach(({ act }) => act(connection)));
  }
}

/** Stops an HTTP server whose WebSockets end later: only those stay open. */
export function stopHttp(proxy: FaultProxy): void {
  proxy.refuse();
  proxy.cut(({ opening }) => !/^upgrade: websocket/im.test(opening?.toString('latin1') ?? ''));
}

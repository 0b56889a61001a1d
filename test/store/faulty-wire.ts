import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to a PostgreSQL server that can break. */
export class FaultyWire {
  #answerToLose: string | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {
    server.on('connection', (client) => this.#join(client));
  }

  static async to(url: string): Promise<FaultyWire> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyWire(server, new URL(url));
  }

  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** The next statement with this text reaches the server and is done; then the connection breaks, before the answer. */
  loseAnswerTo(text: string): void {
    this.#answerToLose = text;
  }

  /** Whether the answer was lost by now. */
  get hasLost(): boolean {
    return this.#answerToLose === undefined;
  }

  /** Open connections carry nothing any more, and do not end; new ones are sound. */
  fallSilent(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('data').pause();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    let isDoomed = false;
    client.on('data', (bytes) => {
      if (this.#answerToLose !== undefined && bytes.includes(this.#answerToLose)) {
        isDoomed = true;
        this.#answerToLose = undefined;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (isDoomed) client.destroy();
      else client.write(bytes);
    });
    for (const [one, other] of [[client, server] as const, [server, client] as const]) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  }
}

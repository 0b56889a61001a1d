import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to a Redis server that can stand still half closed: the other side says it is done, and reads no more. */
export class HalfWire {
  readonly #clients = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('connection', (client) => this.#join(client));
  }

  static async to(port: number): Promise<HalfWire> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HalfWire(server, port);
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Open connections take nothing any more; new ones are sound. */
  standStill(): void {
    for (const client of this.#clients) client.removeAllListeners('data').pause();
  }

  halfClose(): void {
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.server.close();
  }

  #join(client: Socket): void {
    const server = connect(this.port, '127.0.0.1');
    this.#clients.add(client);
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => client.writable && client.write(bytes));
    for (const [one, other] of [[client, server] as const, [server, client] as const]) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  }
}

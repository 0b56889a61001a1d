import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be shut: nobody gets in any more, and only who has upgraded to a WebSocket stays. */
export class Door {
  readonly #guests = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('connection', (guest) => this.#letIn(guest));
  }

  static async to(port: number): Promise<Door> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Door(server, port);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  shut(): void {
    this.server.close();
    for (const guest of this.#guests) guest.destroy();
  }

  #letIn(guest: Socket): void {
    const host = connect(this.port, '127.0.0.1');
    this.#guests.add(guest);
    guest.once('data', (bytes) => {
      if (/^upgrade: websocket/im.test(bytes.toString('latin1'))) this.#guests.delete(guest);
    });
    guest.pipe(host).pipe(guest);
    for (const [one, other] of [[guest, host] as const, [host, guest] as const]) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  }
}

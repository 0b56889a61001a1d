import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `ReadyForQuery`, outside of a transaction or within. */
const READY = /Z\0{3}.[IT]/s;
/** What was sent is done by then. */
const ANSWER_MS = 50;

/** A wire to a PostgreSQL server that can break. */
export class FaultyWire {
  #answerToLose: string | undefined;
  #downMs = 0;
  #answerToDelay: string | undefined;
  #delayMs = 0;
  #textToAwait: string | undefined;
  #whenSent = () => undefined as void;
  #downUntil = 0;
  /** How often the server has said that it waits for more. */
  exchanges = 0;
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

  /**
   * The next statement with this text reaches the server and is done, and so is what follows at once; then the connection
   * breaks, before the answer.
   * @param downMs for how long nobody can connect again
   */
  loseAnswerTo(text: string, downMs = 0): void {
    this.#answerToLose = text;
    this.#downMs = downMs;
  }

  /** The next statement with this text is done, and nothing more is heard of its connection for so long. */
  delayAnswerTo(text: string, ms: number): void {
    this.#answerToDelay = text;
    this.#delayMs = ms;
  }

  /** Acts when the next statement with this text has reached the server, before its answer is passed on. */
  whenSent(text: string, act: () => void): void {
    this.#textToAwait = text;
    this.#whenSent = act;
  }

  /** Whether the answer was lost by now. */
  get hasLost(): boolean {
    return this.#answerToLose === undefined;
  }

  /** Whether the answer was delayed by now, or is being delayed. */
  get hasDelayed(): boolean {
    return this.#answerToDelay === undefined;
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
    client.on('error', () => undefined);
    if (performance.now() < this.#downUntil) return void client.destroy();
    const server = connect(Number(this.target.port), this.target.hostname);
    let isDoomed = false;
    client.on('data', (bytes) => {
      if (this.#answerToLose !== undefined && bytes.includes(this.#answerToLose)) {
        isDoomed = true;
        this.#answerToLose = undefined;
        setTimeout(() => this.#breakOff(client), ANSWER_MS);
      }
      if (this.#answerToDelay !== undefined && bytes.includes(this.#answerToDelay)) {
        this.#answerToDelay = undefined;
        server.pause();
        setTimeout(() => server.resume(), this.#delayMs);
      }
      const isAwaited = this.#textToAwait !== undefined && bytes.includes(this.#textToAwait);
      if (isAwaited) this.#textToAwait = undefined;
      server.write(bytes, () => isAwaited && this.#whenSent());
    });
    server.on('data', (bytes) => {
      this.exchanges += bytes.toString('latin1').split(READY).length - 1;
      if (!isDoomed) client.write(bytes);
    });
    for (const [one, other] of [[client, server] as const, [server, client] as const]) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  }

  /** All that is open, when nobody is to connect for a while. */
  #breakOff(client: Socket): void {
    this.#downUntil = performance.now() + this.#downMs;
    for (const socket of this.#downMs > 0 ? this.#sockets : [client]) socket.destroy();
  }
}

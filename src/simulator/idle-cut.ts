import { WebSocket } from 'ws';
import { ArmedFault, Faults } from './faults';
import { FaultOf } from './fault-kinds';

/** The `idle-cut` fault: a proxy closes a socket on which the server sends nothing for a time (nginx: 60 s). */
export class IdleCut {
  readonly #lastByte = new WeakMap<WebSocket, number>();
  readonly #stopListening: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sockets: ReadonlySet<WebSocket>,
    faults: Faults,
  ) {
    this.#stopListening = faults.onArm((armed) => {
      if (armed.fault.kind === 'idle-cut') this.#watch(armed as ArmedFault<FaultOf<'idle-cut'>>);
    });
  }

  /** The server has sent something: a message, or the pong to a ping. */
  touch(socket: WebSocket): void {
    this.#lastByte.set(socket, Date.now());
  }

  stop(): void {
    this.#stopListening();
    clearInterval(this.#timer);
  }

  #watch(armed: ArmedFault<FaultOf<'idle-cut'>>): void {
    clearInterval(this.#timer);
    for (const socket of this.sockets) this.touch(socket);
    this.#timer = setInterval(() => this.#cut(armed), Math.max(5, armed.fault.ms / 5));
    this.#timer.unref();
    void armed.over.then(() => clearInterval(this.#timer));
  }

  #cut(armed: ArmedFault<FaultOf<'idle-cut'>>): void {
    for (const socket of this.sockets) {
      if (Date.now() - (this.#lastByte.get(socket) ?? 0) < armed.fault.ms) continue;
      armed.hold();
      socket.terminate();
    }
  }
}

import type { BaseRpcContext, WritePacket } from '@nestjs/microservices';
import { setTimeout } from 'node:timers/promises';
import { Condition } from '../../../shared/condition';
import { Backpressure } from '../backpressure';

export type Respond = (packet: WritePacket) => Promise<unknown> | void;

/** How long a closing transport may take to send its responses. */
const CLOSE_MS = 1_000;

/** The responses of one transport: each stream waits for its own messages, and closing waits for all. */
export class SendQueue {
  readonly #condition = new Condition();
  #open = 0;

  /** Wraps `respond`, and counts what it sends. */
  watched(context: BaseRpcContext, respond: Respond): Respond {
    const backpressure = new Backpressure(context);
    this.#open += 1;
    return async (packet) => {
      try {
        await respond(packet);
      } finally {
        backpressure.sent();
        if (packet.isDisposed) this.#closed();
      }
    };
  }

  /** Resolves when every response was sent whole, or after a time-out. */
  async sent(): Promise<void> {
    const timeout = AbortSignal.timeout(CLOSE_MS);
    while (this.#open > 0 && !timeout.aborted) await this.#condition.wait(CLOSE_MS, timeout);
    // Sockets write in a later turn of the event loop.
    await setTimeout(10);
  }

  #closed(): void {
    this.#open -= 1;
    this.#condition.notifyAll();
  }
}

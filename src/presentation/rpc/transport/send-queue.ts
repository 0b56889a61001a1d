import type { BaseRpcContext, WritePacket } from '@nestjs/microservices';
import { setTimeout } from 'node:timers/promises';
import { Condition } from '../../../shared/condition';
import { Backpressure } from '../backpressure';

export type Respond = (packet: WritePacket) => Promise<unknown> | void;

/** How long a transport that is to close may take to send what is on its way. */
const FAREWELL_MS = 1_000;

/** The answers that one transport has to send: each call waits for its own, and the end for all. */
export class SendQueue {
  readonly #condition = new Condition();
  #open = 0;

  /** The same sending, watched. */
  watched(context: BaseRpcContext, respond: Respond): Respond {
    const pace = new Backpressure(context);
    this.#open += 1;
    return async (packet) => {
      try {
        await respond(packet);
      } finally {
        pace.sent();
        if (packet.isDisposed) this.#closed();
      }
    };
  }

  /** Resolves when every answer was sent whole, or there was time enough. */
  async sent(): Promise<void> {
    const enough = AbortSignal.timeout(FAREWELL_MS);
    while (this.#open > 0 && !enough.aborted) await this.#condition.next(FAREWELL_MS, enough);
    // What was handed to a socket goes out when the event loop gets to it.
    await setTimeout(10);
  }

  #closed(): void {
    this.#open -= 1;
    this.#condition.notifyAll();
  }
}

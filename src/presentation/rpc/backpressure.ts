import { Condition } from '../../shared/condition';

const byContext = new WeakMap<object, Backpressure>();

/**
 * The messages of one stream that the transport has not sent yet: a producer that does not wait for them fills memory. Found by
 * the context of the message, the only object that a transport and a handler share.
 */
export class Backpressure {
  readonly #condition = new Condition();
  #unsent = 0;

  /** Undefined on a transport that does not report what it has sent. */
  static of(context: object): Backpressure | undefined {
    return byContext.get(context);
  }

  constructor(context: object) {
    byContext.set(context, this);
  }

  /** A message was passed to the transport. */
  queued(): void {
    this.#unsent += 1;
  }

  /** It was sent, or failed. */
  sent(): void {
    this.#unsent = Math.max(0, this.#unsent - 1);
    this.#condition.notifyAll();
  }

  /** Resolves when every message was sent, or the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#unsent > 0 && !signal.aborted) await this.#condition.wait(Infinity, signal);
  }
}

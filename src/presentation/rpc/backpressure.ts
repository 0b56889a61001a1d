import { Condition } from '../../shared/condition';

const paces = new WeakMap<object, Backpressure>();

/**
 * How far a transport is with what one caller is told: who tells more before the last went out makes it wait in memory. It
 * is found by the context of the message, which is all that a transport and a handler share.
 */
export class Backpressure {
  readonly #condition = new Condition();
  #ahead = 0;

  /** Undefined on a transport that tells nothing of it. */
  static of(context: object): Backpressure | undefined {
    return paces.get(context);
  }

  constructor(context: object) {
    paces.set(context, this);
  }

  /** Something was handed to the transport. */
  told(): void {
    this.#ahead += 1;
  }

  /** It went out, or never will. */
  sent(): void {
    this.#ahead = Math.max(0, this.#ahead - 1);
    this.#condition.notifyAll();
  }

  /** Resolves when all that was told went out, or the signal is aborted. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    while (this.#ahead > 0 && !signal.aborted) await this.#condition.next(Infinity, signal);
  }
}

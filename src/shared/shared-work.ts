/** What comes out of the work: held by who made it, and by each who is given a share. */
export interface Shareable<Share> {
  hold(): Share;
  release(): void;
}

interface Waiter<Share> {
  readonly resolve: (share: Share) => void;
  readonly reject: (error: unknown) => void;
}

/** One piece of work for all who ask for the same. It is aborted when the last of them has gone. */
export class SharedWork<Share> {
  readonly #waiters = new Set<Waiter<Share>>();
  readonly #abandoned = new AbortController();
  readonly #work: Promise<void>;

  constructor(work: (signal: AbortSignal) => Promise<Shareable<Share>>) {
    this.#work = work(this.#abandoned.signal).then(
      (result) => this.#handOut(result),
      (error: unknown) => {
        for (const { reject } of this.#waiters) reject(error);
      },
    );
  }

  /** Nobody waits any more: who comes now has to begin again. */
  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /** Settles when the work is over, whatever came out. */
  get over(): Promise<void> {
    return this.#work;
  }

  /** A share of the result. @throws what the work throws; the signal's reason */
  async wait(signal: AbortSignal): Promise<Share> {
    signal.throwIfAborted();
    let leave = (): void => undefined;
    try {
      return await new Promise<Share>((resolve, reject) => {
        const waiter = { resolve, reject };
        leave = () => {
          if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#abandoned.abort(signal.reason);
          reject(signal.reason as Error);
        };
        this.#waiters.add(waiter);
        signal.addEventListener('abort', leave, { once: true });
      });
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** In one go: nothing can take the result away between two shares. */
  #handOut(result: Shareable<Share>): void {
    for (const { resolve } of this.#waiters) resolve(result.hold());
    this.#waiters.clear();
    result.release();
  }
}

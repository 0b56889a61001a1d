/** The reference-counted result of the work: its creator and each waiter hold a reference. */
export interface Shareable<Share> {
  hold(): Share;
  release(): void;
}

interface Waiter<Share> {
  readonly resolve: (share: Share) => void;
  readonly reject: (error: unknown) => void;
}

/** Shares one run of the work among concurrent waiters. The run is aborted when the last waiter's signal aborts. */
export class SingleFlightTask<Share> {
  readonly #waiters = new Set<Waiter<Share>>();
  readonly #abandoned = new AbortController();
  readonly #work: Promise<void>;

  constructor(work: (signal: AbortSignal) => Promise<Shareable<Share>>) {
    this.#work = work(this.#abandoned.signal).then(
      (result) => this.#resolveWaiters(result),
      (error: unknown) => {
        for (const { reject } of this.#waiters) reject(error);
      },
    );
  }

  /** The run was aborted because no waiter is left: a new caller has to start another run. */
  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /** Resolves when the work has ended, whether it succeeded or failed. */
  get over(): Promise<void> {
    return this.#work;
  }

  /**
   * A reference to the result.
   * @throws the error of the work, or the signal's reason
   */
  async wait(signal: AbortSignal): Promise<Share> {
    signal.throwIfAborted();
    let abort = (): void => undefined;
    try {
      return await new Promise<Share>((resolve, reject) => {
        const waiter = { resolve, reject };
        abort = () => {
          if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#abandoned.abort(signal.reason);
          reject(signal.reason as Error);
        };
        this.#waiters.add(waiter);
        signal.addEventListener('abort', abort, { once: true });
      });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Synchronous, so that the result cannot be released between two waiters. */
  #resolveWaiters(result: Shareable<Share>): void {
    for (const { resolve } of this.#waiters) resolve(result.hold());
    this.#waiters.clear();
    result.release();
  }
}

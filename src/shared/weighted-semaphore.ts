interface Waiter {
  readonly weight: number;
  readonly enter: () => void;
}

/** A semaphore with weights. Waiters enter in the order of their calls, without overtaking. */
export class WeightedSemaphore {
  readonly #queue = new Set<Waiter>();
  #taken = 0;

  constructor(
    private readonly capacity: number,
    private readonly maxWaiters = Infinity,
    private readonly createError: () => Error = () => new Error('Too many operations are waiting.'),
  ) {}

  /**
   * Waits for free capacity and returns the function that releases it. A weight above the capacity takes all of it.
   * @throws the error of `createError` if too many operations wait; the signal's reason if it aborts during the wait
   */
  async enter(requested: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const weight = Math.min(requested, this.capacity);
    if (this.#queue.size === 0 && this.#fits(weight)) return this.#take(weight);
    if (this.#queue.size >= this.maxWaiters) throw this.createError();
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#queue.delete(waiter);
        reject(signal.reason as Error);
        this.#admit();
      };
      const enter = () => {
        signal.removeEventListener('abort', abort);
        resolve(this.#take(weight));
      };
      const waiter = { weight, enter };
      this.#queue.add(waiter);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  #fits(weight: number): boolean {
    return this.#taken + weight <= this.capacity;
  }

  #take(weight: number): () => void {
    this.#taken += weight;
    return () => {
      this.#taken -= weight;
      this.#admit();
    };
  }

  #admit(): void {
    for (const waiter of this.#queue) {
      if (!this.#fits(waiter.weight)) return;
      this.#queue.delete(waiter);
      waiter.enter();
    }
  }
}

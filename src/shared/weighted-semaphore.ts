interface Place {
  readonly share: number;
  readonly enter: () => void;
}

/** Room for so much work at once. Who does not fit waits in line, in which nobody is overtaken. */
export class WeightedSemaphore {
  readonly #line = new Set<Place>();
  #taken = 0;

  constructor(
    private readonly size: number,
    private readonly longestLine = Infinity,
    private readonly refusal: () => Error = () => new Error('Too many are waiting.'),
  ) {}

  /**
   * Resolves when there is room, with what gives it back. A share larger than the room takes all of it.
   * @throws the refusal when the line is too long; the signal's reason, which ends the waiting
   */
  async enter(share: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const wanted = Math.min(share, this.size);
    if (this.#line.size === 0 && this.#fits(wanted)) return this.#take(wanted);
    if (this.#line.size >= this.longestLine) throw this.refusal();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.delete(place);
        reject(signal.reason as Error);
        this.#admit();
      };
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve(this.#take(wanted));
      };
      const place = { share: wanted, enter };
      this.#line.add(place);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #fits(share: number): boolean {
    return this.#taken + share <= this.size;
  }

  #take(share: number): () => void {
    this.#taken += share;
    return () => {
      this.#taken -= share;
      this.#admit();
    };
  }

  #admit(): void {
    for (const place of this.#line) {
      if (!this.#fits(place.share)) return;
      this.#line.delete(place);
      place.enter();
    }
  }
}

/** Calls with the same key that overlap share one run. */
export class SingleFlight<Key, Result> {
  readonly #running = new Map<Key, Promise<Result>>();
  readonly #next = new Map<Key, Promise<Result>>();

  /** Joins the run of this key, or starts one. */
  join(key: Key, work: () => Promise<Result>): Promise<Result> {
    return this.#running.get(key) ?? this.#start(key, work);
  }

  /**
   * Joins a run that starts after this call: the result of one that is in progress may be older than the question.
   */
  joinNext(key: Key, work: () => Promise<Result>): Promise<Result> {
    const running = this.#running.get(key);
    if (!running) return this.#start(key, work);
    const start = () => {
      this.#next.delete(key);
      return this.join(key, work);
    };
    const next = this.#next.get(key) ?? running.then(start, start);
    this.#next.set(key, next);
    return next;
  }

  #start(key: Key, work: () => Promise<Result>): Promise<Result> {
    const run = work();
    this.#running.set(key, run);
    const done = () => {
      if (this.#running.get(key) === run) this.#running.delete(key);
    };
    run.then(done, done);
    return run;
  }
}

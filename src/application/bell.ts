/** The longest a timer can be set for (2^31-1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Wakes all who wait for its next ring; costs nothing while nobody does. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next ring, after `ms`, or when the signal is aborted: the caller looks which. */
  next(ms = Infinity, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(wake, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}

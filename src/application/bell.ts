import { timerMs } from './sleep';

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
      const timer = ms === Infinity ? undefined : setTimeout(wake, timerMs(ms));
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}

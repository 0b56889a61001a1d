import { timerMs } from './sleep';

/** Wakes all who wait for its next ring; costs nothing while nobody does. */
export class Condition {
  /** Made for the first who waits: many bells are never waited for. */
  #waiting: Set<() => void> | undefined;

  notifyAll(): void {
    for (const wake of this.#waiting ?? []) wake();
  }

  /** Resolves at the next ring, after `ms`, or when the signal is aborted: the caller looks which. */
  next(ms = Infinity, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const waiting = (this.#waiting ??= new Set());
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        waiting.delete(wake);
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(wake, timerMs(ms));
      waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  /**
   * Resolves with what `look` finds, rejects with what it throws. It looks now, and as long as it finds nothing at each ring, at
   * the deadline (milliseconds since 1970) and when the signal is aborted. Only one function waits: callers come in thousands.
   */
  until<T extends object>(look: () => T | undefined, deadline = Infinity, signal?: AbortSignal): Promise<T> {
    const waiting = (this.#waiting ??= new Set());
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const wake = () => {
        clearTimeout(timer);
        try {
          const found = look();
          if (!found) {
            if (deadline < Infinity) timer = setTimeout(wake, timerMs(deadline - Date.now()));
            return;
          }
          resolve(found);
        } catch (error) {
          reject(error);
        }
        waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
      };
      waiting.add(wake);
      signal?.addEventListener('abort', wake);
      wake();
    });
  }
}

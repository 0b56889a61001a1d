import { timerMs } from './sleep';

/** A condition variable: `notifyAll` wakes every waiter. Costs nothing while there are no waiters. */
export class Condition {
  /** Created by the first wait: most conditions never have a waiter. */
  #waiters: Set<() => void> | undefined;

  notifyAll(): void {
    for (const wake of this.#waiters ?? []) wake();
  }

  /** Resolves at the next notification, after `ms`, or when the signal aborts; the caller checks which. */
  wait(ms = Infinity, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const waiters = (this.#waiters ??= new Set());
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        waiters.delete(wake);
        resolve();
      };
      const timer = ms === Infinity ? undefined : setTimeout(wake, timerMs(ms));
      waiters.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  /**
   * Resolves with the first value that `check` returns, rejects with the error that it throws. Calls it now and, until it
   * returns a value, at each notification, at the deadline (milliseconds since the epoch) and when the signal aborts.
   * A single closure per waiter, because thousands may wait.
   */
  waitFor<T extends object>(check: () => T | undefined, deadline = Infinity, signal?: AbortSignal): Promise<T> {
    const waiters = (this.#waiters ??= new Set());
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const wake = () => {
        clearTimeout(timer);
        try {
          const value = check();
          if (!value) {
            if (deadline < Infinity) timer = setTimeout(wake, timerMs(deadline - Date.now()));
            return;
          }
          resolve(value);
        } catch (error) {
          reject(error);
        }
        waiters.delete(wake);
        signal?.removeEventListener('abort', wake);
      };
      waiters.add(wake);
      signal?.addEventListener('abort', wake);
      wake();
    });
  }
}

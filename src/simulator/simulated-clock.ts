import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** `1` is the speed of a small GPU, `10` ten times that; `'instant'` (or 0) never waits. */
export type Speed = number | 'instant';

/** The waits of simulated work, scaled by the speed; all of them abort when the process ends. */
export class SimulatedClock {
  readonly instant: boolean;
  readonly #factor: number;

  constructor(
    speed: Speed,
    private readonly death: AbortSignal,
  ) {
    this.instant = speed === 'instant' || speed <= 0;
    this.#factor = this.instant ? 0 : 1 / Number(speed);
  }

  /** Waits for `ms` of simulated time. Throws AbortError when the process has ended. */
  async work(ms: number): Promise<void> {
    this.death.throwIfAborted();
    if (this.instant || ms <= 0) return;
    await delay(ms * this.#factor, undefined, { signal: this.death });
  }

  /** Throws AbortError when the process has ended. */
  throwIfDead(): void {
    this.death.throwIfAborted();
  }

  /** Yields to the event loop, so that a busy worker does not starve requests. */
  async yield(): Promise<void> {
    await nextTurn();
    this.death.throwIfAborted();
  }

  /** Waits for `ms` of real time, for faults, at any speed. */
  async real(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.death });
  }

  /** Waits for `promise` or the end of the process. */
  async until<T>(promise: Promise<T>): Promise<T> {
    this.death.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => reject(this.death.reason as Error);
      this.death.addEventListener('abort', abort, { once: true });
      promise.then(resolve, reject).finally(() => this.death.removeEventListener('abort', abort));
    });
  }
}

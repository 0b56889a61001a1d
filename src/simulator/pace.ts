import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** `1` is the pace of a small card, `10` ten times that; `'instant'` (or 0) never waits. */
export type Speed = number | 'instant';

/** Simulated time: how long the pretended work takes, and the end of all waiting when the process dies. */
export class Backpressure {
  readonly instant: boolean;
  readonly #factor: number;

  constructor(
    speed: Speed,
    private readonly death: AbortSignal,
  ) {
    this.instant = speed === 'instant' || speed <= 0;
    this.#factor = this.instant ? 0 : 1 / Number(speed);
  }

  /** Lets `ms` of simulated time pass. Throws AbortError when the process is gone. */
  async work(ms: number): Promise<void> {
    this.death.throwIfAborted();
    if (this.instant || ms <= 0) return;
    await delay(ms * this.#factor, undefined, { signal: this.death });
  }

  /** Throws AbortError when the process is gone. */
  throwIfDead(): void {
    this.death.throwIfAborted();
  }

  /** Gives waiting requests a turn, so that a busy worker never starves them. */
  async yield(): Promise<void> {
    await nextTurn();
    this.death.throwIfAborted();
  }

  /** Lets `ms` of real time pass, whatever the speed: faults are given in real time. */
  async real(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.death });
  }

  /** Waits for `promise` or for the end of the process, whichever is first. */
  async until<T>(promise: Promise<T>): Promise<T> {
    this.death.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => reject(this.death.reason as Error);
      this.death.addEventListener('abort', abort, { once: true });
      promise.then(resolve, reject).finally(() => this.death.removeEventListener('abort', abort));
    });
  }
}

/** Aborts what it watches over when nothing moved for `ms`, or with the caller's signal. */
export class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #follow = () => this.#controller.abort(this.caller.reason);

  constructor(
    private readonly caller: AbortSignal,
    ms: number,
  ) {
    const silent = Object.assign(new Error(`no answer for ${ms / 1000} s`), { code: 'ESILENT' });
    this.#timer = setTimeout(() => this.#controller.abort(silent), ms);
    caller.addEventListener('abort', this.#follow, { once: true });
    if (caller.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something moved. */
  readonly broken = (): void => void this.#timer.refresh();

  /** By hand and not by `AbortSignal.any`, which keeps every follower of a long-lived signal on Node 20. */
  end(): void {
    clearTimeout(this.#timer);
    this.caller.removeEventListener('abort', this.#follow);
  }
}

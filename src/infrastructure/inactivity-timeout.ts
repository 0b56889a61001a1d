/** A signal that aborts after `ms` without activity, or with the caller's signal. */
export class InactivityTimeout {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #follow = () => this.#controller.abort(this.caller.reason);

  constructor(
    private readonly caller: AbortSignal,
    ms: number,
  ) {
    const reason = Object.assign(new Error(`no answer for ${ms / 1000} s`), { code: 'ESILENT' });
    this.#timer = setTimeout(() => this.#controller.abort(reason), ms);
    caller.addEventListener('abort', this.#follow, { once: true });
    if (caller.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Reports activity. */
  readonly refresh = (): void => void this.#timer.refresh();

  /** Removes the listener itself: on Node 20 `AbortSignal.any` never releases the dependents of a long-lived signal. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.caller.removeEventListener('abort', this.#follow);
  }
}

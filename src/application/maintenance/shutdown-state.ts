import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';

/** The two moments of a shutdown. */
@Injectable()
export class ShutdownState {
  readonly #begun = new AbortController();
  readonly #over = new AbortController();

  constructor() {
    // Every event stream and every run listens.
    setMaxListeners(Infinity, this.#begun.signal, this.#over.signal);
  }

  /** Aborts when the shutdown begins: new jobs are refused, event streams end. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** Aborts when the time of waiting callers is over: everything stops. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get hasBegun(): boolean {
    return this.#begun.signal.aborted;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  begin(): void {
    this.#begun.abort(shuttingDown());
  }

  end(): void {
    this.begin();
    this.#over.abort(shuttingDown());
  }

  /** @throws ComfyUIError `shutting_down` */
  refuseNew(): void {
    if (this.hasBegun) throw shuttingDown();
  }
}

/** The error of a request during the shutdown, or of a caller that gets no result of its job. */
export function shuttingDown(jobId?: string): ComfyUIError {
  const message =
    jobId === undefined
      ? 'The service is shutting down and takes no new jobs.'
      : `The service is shutting down; job ${jobId} goes on when it is back.`;
  return new ComfyUIError('shutting_down', message, { jobId });
}

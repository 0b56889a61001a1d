import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';

/** The two moments of a shutdown. */
@Injectable()
export class ShutdownState {
  readonly #begun = new AbortController();
  readonly #over = new AbortController();

  constructor() {
    // Every viewer and every run listens.
    setMaxListeners(Infinity, this.#begun.signal, this.#over.signal);
  }

  /** Aborted when the service begins to shut down: nothing new is taken, viewers are sent away. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** Aborted when those who wait have had their time: everything stops. */
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

/** What a caller is told who is not served any more, or goes without the result of its job. */
export function shuttingDown(jobId?: string): ComfyUIError {
  const message =
    jobId === undefined
      ? 'The service is shutting down and takes nothing new.'
      : `The service is shutting down; job ${jobId} goes on when it is back.`;
  return new ComfyUIError('shutting_down', message, { jobId });
}

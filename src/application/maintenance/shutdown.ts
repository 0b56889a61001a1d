import { type BeforeApplicationShutdown, Logger } from '@nestjs/common';
import type { Worker } from '../execution/worker';
import type { JobRegistry } from '../jobs/job-registry';
import type { JobWriter } from '../jobs/job-writer';
import { type ShutdownState, shuttingDown } from './shutdown-state';

export interface ShutdownTimes {
  /** Time for callers that wait for a result, ms. */
  readonly grace: number;
  /** Time to send an error to those that still wait after it, ms. */
  readonly farewell: number;
}

/**
 * Refuses new jobs and ends event streams; callers that wait get their time. The rest stays as it is: waiting jobs wait in the
 * database, prompts go on at their backends, and the next process resumes them.
 */
export class Shutdown implements BeforeApplicationShutdown {
  readonly #logger = new Logger(Shutdown.name);

  /** @param worker undefined in a process that runs no jobs */
  constructor(
    private readonly state: ShutdownState,
    private readonly registry: JobRegistry,
    private readonly writer: JobWriter,
    private readonly worker: Worker | undefined,
    private readonly times: ShutdownTimes,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.state.begin();
    this.worker?.beginShutdown();
    await this.registry.untilReleased(Date.now() + this.times.grace);
    await this.#interruptHeld();
    this.state.end();
    await this.worker?.idle();
    await this.writer.flush();
    await this.worker?.close();
  }

  async #interruptHeld(): Promise<void> {
    const held = this.registry.held();
    if (held.length === 0) return;
    this.#logger.warn(`${held.length} callers get no result; their jobs go on after the next start`);
    for (const session of held) session.interrupt(shuttingDown(session.job.id));
    await this.registry.untilReleased(Date.now() + this.times.farewell);
  }
}

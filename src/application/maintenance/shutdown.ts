import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { LeaseManager } from '../backends/lease-manager';
import { ShutdownState, shuttingDown } from './shutdown-state';
import { JobLimits } from '../jobs/job-limits';
import { JobWriter } from '../jobs/job-writer';
import { JobExecutor } from '../execution/job-executor';
import { JobRegistry } from '../jobs/job-registry';
import { sleep } from '../../shared/sleep';

const LOOK_MS = 20;
/** Enough to write an error to everybody who still waits. */
const FAREWELL_MS = 100;

/**
 * Nothing new is taken and viewers are sent away; callers that wait get their time. The rest is left as it is: waiting
 * jobs wait in the store, prompts go on at their servers, and the next start takes them up.
 */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  readonly #logger = new Logger(Shutdown.name);

  constructor(
    private readonly shutdownState: ShutdownState,
    private readonly registry: JobRegistry,
    private readonly executor: JobExecutor,
    private readonly writer: JobWriter,
    private readonly limits: JobLimits,
    private readonly leases: LeaseManager,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.shutdownState.begin();
    const deadline = Date.now() + this.limits.shutdownGraceMs;
    while (this.registry.held().length > 0 && Date.now() < deadline) await sleep(LOOK_MS);
    await this.#sendAway();
    this.shutdownState.end();
    await this.executor.idle();
    await this.writer.flush();
    await this.leases.leave();
  }

  async #sendAway(): Promise<void> {
    const held = this.registry.held();
    if (held.length === 0) return;
    this.#logger.warn(`${held.length} callers go without their result; the jobs go on at the next start`);
    for (const session of held) session.interrupt(shuttingDown(session.job.id));
    await sleep(FAREWELL_MS);
  }
}

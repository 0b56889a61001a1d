import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { BackendLeases } from './backends/backend-leases';
import { Draining, shuttingDown } from './draining';
import { JobLimits } from './job-limits';
import { JobRecorder } from './job-recorder';
import { JobRunner } from './job-runner';
import { LiveJobs } from './live-jobs';
import { sleep } from './sleep';

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
    private readonly draining: Draining,
    private readonly lives: LiveJobs,
    private readonly runner: JobRunner,
    private readonly recorder: JobRecorder,
    private readonly limits: JobLimits,
    private readonly leases: BackendLeases,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.draining.begin();
    const deadline = Date.now() + this.limits.shutdownGraceMs;
    while (this.lives.held().length > 0 && Date.now() < deadline) await sleep(LOOK_MS);
    await this.#sendAway();
    this.draining.end();
    await this.runner.idle();
    await this.recorder.flush();
    await this.leases.leave();
  }

  async #sendAway(): Promise<void> {
    const held = this.lives.held();
    if (held.length === 0) return;
    this.#logger.warn(`${held.length} callers go without their result; the jobs go on at the next start`);
    for (const live of held) live.interrupt(shuttingDown(live.job.id));
    await sleep(FAREWELL_MS);
  }
}

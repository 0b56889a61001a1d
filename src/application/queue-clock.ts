import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../domain/errors';
import { oneLine } from '../domain/text';
import { Draining } from './draining';
import { JobRecorder } from './job-recorder';
import { LiveJobs } from './live-jobs';
import { JobBacklog } from './ports/job-backlog';
import { ProcessRole } from './process-role';
import { sleep } from './sleep';

const INTERVAL_MS = 1_000;
const AT_ONCE = 100;

/** Ends jobs that waited for too long. */
@Injectable()
export class QueueClock implements OnApplicationBootstrap {
  readonly #logger = new Logger(QueueClock.name);

  constructor(
    private readonly backlog: JobBacklog,
    private readonly lives: LiveJobs,
    private readonly recorder: JobRecorder,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  onApplicationBootstrap(): void {
    void this.#work();
  }

  async #work(): Promise<void> {
    while (!this.draining.isOver) {
      await this.#expireOverdue().catch((error: unknown) => {
        this.#logger.error(`Jobs that waited for too long can not be ended: ${oneLine(toComfyUIError(error).message)}`);
      });
      await sleep(INTERVAL_MS, this.draining.over);
    }
  }

  async #expireOverdue(): Promise<void> {
    if (!this.role.isChief) return;
    for (const { id } of await this.backlog.overdue(Date.now(), AT_ONCE)) {
      const live = await this.lives.open(id);
      if (!live) continue;
      const error = new ComfyUIError('expired', 'It did not start in time (QUEUE_TIMEOUT).', { jobId: id });
      const isExpired = await this.recorder
        .commit(live, (job) => (job.backend === null ? { kind: 'expired', error } : undefined))
        .finally(() => live.release());
      if (isExpired) this.#logger.error(`Job ${id} expired: ${error.message}`);
    }
  }
}

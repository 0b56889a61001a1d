import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';
import { Timing } from '../../options/timing';
import { JobRegistry } from '../jobs/job-registry';
import { JobRepository } from '../jobs/job-repository';
import { JobWriter } from '../jobs/job-writer';
import { PeriodicTasks } from './periodic-tasks';

const JOBS_PER_BATCH = 100;

/** Expires jobs that waited longer than their queue time-out. */
@Injectable()
export class QueueExpiry implements OnApplicationBootstrap {
  readonly #logger = new Logger(QueueExpiry.name);

  constructor(
    private readonly repository: JobRepository,
    private readonly registry: JobRegistry,
    private readonly writer: JobWriter,
    private readonly tasks: PeriodicTasks,
    private readonly timing: Timing,
  ) {}

  onApplicationBootstrap(): void {
    this.tasks.start({
      failure: 'Waiting jobs cannot be expired',
      interval: this.timing.queueExpiry,
      leaderOnly: true,
      run: () => this.#expireOverdue(),
    });
  }

  async #expireOverdue(): Promise<void> {
    const overdue = { kind: 'overdue', now: Date.now(), limit: JOBS_PER_BATCH } as const;
    for (const { id } of await this.repository.open(overdue)) await this.#expire(id);
  }

  async #expire(id: string): Promise<void> {
    const session = await this.registry.open(id);
    if (!session) return;
    const error = new ComfyUIError('expired', 'It did not start within its queue time-out.', { jobId: id });
    const isExpired = await this.writer
      .commit(session, ({ backend }) => (backend === null ? { kind: 'expired', error } : undefined))
      .finally(() => session.release());
    if (isExpired) this.#logger.error(`Job ${id} expired: ${error.message}`);
  }
}

import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { ShutdownState } from './shutdown-state';
import { JobWriter } from '../jobs/job-writer';
import { JobRegistry } from '../jobs/job-registry';
import { JobBacklog } from '../jobs/job-backlog';
import { ProcessRole } from '../execution/process-role';
import { sleep } from '../../shared/sleep';

const INTERVAL_MS = 1_000;
const AT_ONCE = 100;

/** Ends jobs that waited for too long. */
@Injectable()
export class QueueExpiry implements OnApplicationBootstrap {
  readonly #logger = new Logger(QueueExpiry.name);

  constructor(
    private readonly backlog: JobBacklog,
    private readonly registry: JobRegistry,
    private readonly writer: JobWriter,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onApplicationBootstrap(): void {
    void this.#work();
  }

  async #work(): Promise<void> {
    while (!this.shutdownState.isOver) {
      await this.#expireOverdue().catch((error: unknown) => {
        this.#logger.error(`Jobs that waited for too long can not be ended: ${oneLine(toComfyUIError(error).message)}`);
      });
      await sleep(INTERVAL_MS, this.shutdownState.over);
    }
  }

  async #expireOverdue(): Promise<void> {
    if (!this.role.isLeader) return;
    for (const { id } of await this.backlog.overdue(Date.now(), AT_ONCE)) {
      const session = await this.registry.open(id);
      if (!session) continue;
      const error = new ComfyUIError('expired', 'It did not start in time (QUEUE_TIMEOUT).', { jobId: id });
      const isExpired = await this.writer
        .commit(session, (job) => (job.backend === null ? { kind: 'expired', error } : undefined))
        .finally(() => session.release());
      if (isExpired) this.#logger.error(`Job ${id} expired: ${error.message}`);
    }
  }
}

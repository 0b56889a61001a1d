import { Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { Timing } from '../../options/timing';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import { JobRepository } from '../jobs/job-repository';
import { PeriodicTasks } from '../maintenance/periodic-tasks';
import { JobExecutor } from './job-executor';

/** Cancels jobs that run here when another process requests it. */
@Injectable()
export class CancellationListener {
  readonly #logger = new Logger(CancellationListener.name);

  constructor(
    private readonly repository: JobRepository,
    private readonly pool: BackendPool,
    private readonly executor: JobExecutor,
    private readonly tasks: PeriodicTasks,
    private readonly timing: Timing,
  ) {}

  /** A message may get lost: what is noted in the database is read at intervals. */
  start(): void {
    this.tasks.start({
      failure: 'Requested cancellations cannot be read',
      interval: this.timing.poll,
      run: async () => {
        const backends = this.pool.backends.filter(({ lease }) => lease.isHeld).map(({ url }) => url);
        for (const { id } of await this.repository.open({ kind: 'to-cancel', backends })) await this.cancel(id);
      },
    });
  }

  /** Cancels a job if it runs here. Never rejects. */
  async cancel(jobId: string): Promise<void> {
    await this.executor.requestCancellation(jobId).catch((error: unknown) => {
      this.#logger.warn(`Job ${jobId} cannot be canceled now: ${oneLine(toComfyUIError(error).message)}`);
    });
  }
}

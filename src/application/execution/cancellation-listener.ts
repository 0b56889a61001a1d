import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import { ShutdownState } from '../maintenance/shutdown-state';
import { JobExecutor } from './job-executor';
import { JobCancels } from '../jobs/job-cancels';
import { JobEventBus } from '../jobs/job-event-bus';
import { ProcessRole } from './process-role';
import { sleep } from '../../shared/sleep';

/** A request may get lost on its way between processes; what is noted is looked at this often, ms. */
const LOOK_MS = 1_000;

/** Cancels jobs that run here when another process wishes it. */
@Injectable()
export class CancellationListener implements OnApplicationBootstrap {
  readonly #logger = new Logger(CancellationListener.name);

  constructor(
    private readonly cancels: JobCancels,
    private readonly news: JobEventBus,
    private readonly pool: BackendPool,
    private readonly executor: JobExecutor,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onApplicationBootstrap(): void {
    if (this.role.isSingleProcess || !this.role.runsJobs) return;
    this.news.onCancel((jobId) => void this.#cancel([jobId]));
    void this.#work();
  }

  async #work(): Promise<void> {
    while (!this.shutdownState.isOver) {
      const held = this.pool.backends.filter(({ hold }) => hold.lease !== undefined);
      const requested = this.cancels.requested(held.map(({ url }) => url));
      await this.#cancel(await requested.catch(() => []));
      await sleep(LOOK_MS, this.shutdownState.over);
    }
  }

  async #cancel(jobIds: readonly string[]): Promise<void> {
    for (const id of jobIds) {
      await this.executor.cancelIfHere(id).catch((error: unknown) => {
        this.#logger.warn(`Job ${id} can not be canceled now: ${oneLine(toComfyUIError(error).message)}`);
      });
    }
  }
}

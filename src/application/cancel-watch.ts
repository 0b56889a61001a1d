import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../domain/errors';
import { oneLine } from '../domain/text';
import { BackendPool } from './backends/backend-pool';
import { Draining } from './draining';
import { JobRunner } from './job-runner';
import { JobCancels } from './ports/job-cancels';
import { JobNews } from './ports/job-news';
import { ProcessRole } from './process-role';
import { sleep } from './sleep';

/** A request may get lost on its way between processes; what is noted is looked at this often, ms. */
const LOOK_MS = 1_000;

/** Cancels jobs that run here when another process wishes it. */
@Injectable()
export class CancelWatch implements OnApplicationBootstrap {
  readonly #logger = new Logger(CancelWatch.name);

  constructor(
    private readonly cancels: JobCancels,
    private readonly news: JobNews,
    private readonly pool: BackendPool,
    private readonly runner: JobRunner,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  onApplicationBootstrap(): void {
    if (this.role.isAlone || !this.role.drives) return;
    this.news.onCancel((jobId) => void this.#cancel([jobId]));
    void this.#work();
  }

  async #work(): Promise<void> {
    while (!this.draining.isOver) {
      const held = this.pool.backends.filter(({ hold }) => hold.lease !== undefined);
      const requested = this.cancels.requested(held.map(({ url }) => url));
      await this.#cancel(await requested.catch(() => []));
      await sleep(LOOK_MS, this.draining.over);
    }
  }

  async #cancel(jobIds: readonly string[]): Promise<void> {
    for (const id of jobIds) {
      await this.runner.cancelIfHere(id).catch((error: unknown) => {
        this.#logger.warn(`Job ${id} can not be canceled now: ${oneLine(toComfyUIError(error).message)}`);
      });
    }
  }
}

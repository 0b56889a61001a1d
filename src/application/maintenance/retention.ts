import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ownSignal } from '../../shared/own-signal';
import { sleep } from '../../shared/sleep';
import type { AssetRepository, UnusedFiles } from '../assets/asset-repository';
import type { AssetStorage } from '../assets/asset-storage';
import type { JobRepository } from '../jobs/job-repository';
import type { PeriodicTasks } from './periodic-tasks';

/** A statement that deletes many rows blocks the embedded database, and with it the process. */
const JOBS_PER_BATCH = 100;

/** Milliseconds. */
export interface RetentionRules {
  /** How long ended jobs and their files are kept; null: forever. */
  readonly keep: number | null;
  readonly interval: number;
  /** Pause between two batches: other writes go first. */
  readonly pause: number;
}

/** Deletes jobs that were kept long enough, and files that no asset has any more. */
export class Retention implements OnApplicationBootstrap {
  readonly #logger = new Logger(Retention.name);

  constructor(
    private readonly jobs: JobRepository,
    private readonly assets: AssetRepository,
    private readonly storage: AssetStorage,
    private readonly tasks: PeriodicTasks,
    private readonly rules: RetentionRules,
  ) {}

  onApplicationBootstrap(): void {
    this.tasks.start({
      failure: 'Retention continues later',
      interval: this.rules.interval,
      leaderOnly: true,
      run: () => this.clear(Date.now()),
    });
  }

  /** Deletes what is due at `now`, milliseconds since the epoch. @throws ComfyUIError `storage_failed` */
  async clear(now: number): Promise<void> {
    const jobs = await this.#removeJobs(now);
    const files = await this.#removeFiles(now);
    if (jobs + files > 0) this.#logger.log(`Deleted ${jobs} jobs and ${files} files`);
  }

  async #removeJobs(now: number): Promise<number> {
    const { keep } = this.rules;
    if (keep === null) return 0;
    const endedBefore = now - keep;
    let removed = 0;
    for (let last = JOBS_PER_BATCH; last === JOBS_PER_BATCH && !this.tasks.signal.aborted; await this.#pause()) {
      last = await this.jobs.remove({ endedBefore, limit: JOBS_PER_BATCH });
      removed += last;
    }
    return removed;
  }

  async #removeFiles(now: number): Promise<number> {
    let removed = 0;
    for (let after: string | null = ''; after !== null && !this.tasks.signal.aborted; await this.#pause()) {
      const { unused, last }: UnusedFiles = await this.assets.takeUnusedFiles(now, after);
      for (const sha256 of unused) await this.#removeFile(sha256);
      removed += unused.length;
      after = last;
    }
    return removed;
  }

  async #removeFile(sha256: string): Promise<void> {
    await this.storage.remove(sha256, ownSignal(this.tasks.signal));
    await this.assets.fileRemoved(sha256);
  }

  #pause(): Promise<void> {
    return sleep(this.rules.pause, this.tasks.signal);
  }
}

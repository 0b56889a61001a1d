import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { ShutdownState } from './shutdown-state';
import { RetentionRules } from './retention-rules';
import { ownSignal } from '../../shared/own-signal';
import { AssetStorage } from '../assets/asset-storage';
import { OldJobs } from './old-jobs';
import { StoredFiles, type UnusedFiles } from '../assets/stored-files';
import { ProcessRole } from '../execution/process-role';
import { sleep } from '../../shared/sleep';

const INTERVAL_MS = 60_000;
/** A statement that deletes or reads many rows holds up the embedded database, and with it the process. */
const JOBS_AT_ONCE = 100;
/** Between them others come first. */
const PAUSE_MS = 10;

/** Deletes jobs that were kept for long enough, and files that no asset has any more. */
@Injectable()
export class Retention implements OnApplicationBootstrap {
  readonly #logger = new Logger(Retention.name);

  constructor(
    private readonly jobs: OldJobs,
    private readonly files: StoredFiles,
    private readonly storage: AssetStorage,
    private readonly rules: RetentionRules,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onApplicationBootstrap(): void {
    void this.#work();
  }

  /** Clears away what is to be cleared away by `now`, milliseconds since the epoch. */
  async clear(now: number): Promise<void> {
    const jobs = await this.#removeJobs(now);
    const files = await this.#removeFiles(now);
    if (jobs + files > 0) this.#logger.log(`Cleared away: ${jobs} jobs, ${files} files`);
  }

  async #work(): Promise<void> {
    while (!this.shutdownState.isOver) {
      if (this.role.isLeader)
        await this.clear(Date.now()).catch((error: unknown) => {
          if (this.shutdownState.isOver) return;
          this.#logger.error(`Clearing away goes on later: ${oneLine(toComfyUIError(error).message)}`);
        });
      await sleep(INTERVAL_MS, this.shutdownState.over);
    }
  }

  async #removeJobs(now: number): Promise<number> {
    if (this.rules.retentionMs === null) return 0;
    let removed = 0;
    for (let last = JOBS_AT_ONCE; last === JOBS_AT_ONCE && !this.shutdownState.isOver; await sleep(PAUSE_MS)) {
      last = await this.jobs.remove(now - this.rules.retentionMs, JOBS_AT_ONCE);
      removed += last;
    }
    return removed;
  }

  async #removeFiles(now: number): Promise<number> {
    let removed = 0;
    for (let after: string | null = ''; after !== null && !this.shutdownState.isOver; await sleep(PAUSE_MS)) {
      const { unused, last }: UnusedFiles = await this.files.takeUnused(now, after);
      for (const sha256 of unused) await this.#removeFile(sha256);
      removed += unused.length;
      after = last;
    }
    return removed;
  }

  async #removeFile(sha256: string): Promise<void> {
    await this.storage.remove(sha256, ownSignal(this.shutdownState.over));
    await this.files.removed(sha256);
  }
}

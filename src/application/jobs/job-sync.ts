import type { Job } from '../../domain/job/job';
import type { JobSession } from './job-session';

/**
 * Keeps sessions equal to the jobs they stand for. There are two: one for a process that has its database alone, and one for a
 * process among several. The module chooses.
 */
export abstract class JobSync {
  /** Follows or publishes a session; called when it is opened, and when its job begins or ceases to run here. */
  abstract track(session: JobSession): void;

  abstract untrack(session: JobSession): void;

  /** Whether no other process knows a later state. */
  abstract isCurrent(session: JobSession): boolean;

  /** Merges the stored state and the published progress. @throws ComfyUIError `storage_failed` */
  abstract refresh(session: JobSession): Promise<void>;

  /** Merges the published progress alone: the state was just read. */
  abstract refreshProgress(session: JobSession): Promise<void>;

  /** Replaces the state by the stored one. @throws ComfyUIError `storage_failed` */
  abstract reload(session: JobSession): Promise<void>;

  /** These jobs as stored or, where that is newer, as published. */
  abstract latest(jobs: readonly Job[]): Promise<readonly Job[]>;

  /** Resolves when the job is accepted by a backend, ended, or waits although another process had time to claim it. */
  abstract untilClaimed(session: JobSession): Promise<void>;

  /** Jobs assigned to each backend by all processes; undefined where this process knows by itself. */
  abstract load(): Promise<ReadonlyMap<string, number> | undefined>;
}

/** For a process that has its database alone: every session is current, and no process needs to be informed. */
export class SingleProcessJobSync extends JobSync {
  track(): void {}

  untrack(): void {}

  isCurrent(): boolean {
    return true;
  }

  async refresh(): Promise<void> {}

  async refreshProgress(): Promise<void> {}

  async reload(): Promise<void> {}

  async latest(jobs: readonly Job[]): Promise<readonly Job[]> {
    return jobs;
  }

  async untilClaimed(): Promise<void> {}

  async load(): Promise<undefined> {}
}

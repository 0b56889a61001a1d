/** An ended job that is to be published. */
export interface OutboxEntry {
  readonly jobId: string;
  /** Of the job when it ended: collected again, it is published again. */
  readonly revision: number;
  /** Tries that failed so far. */
  readonly tries: number;
}

/**
 * Ended jobs that are to be published elsewhere, each until it is; the jobs' own writes bring them in. All calls reject with
 * `ComfyUIError` `storage_failed` when the database is away, locked or full.
 */
export abstract class Outbox {
  /** Those whose time has come, the oldest first. */
  abstract due(now: number, limit: number): Promise<readonly OutboxEntry[]>;

  /** It went out; an entry of a later revision stays. */
  abstract sent(entry: OutboxEntry): Promise<void>;

  /** It did not go out: another try at `nextAt`, milliseconds since the epoch. */
  abstract postpone(entry: OutboxEntry, nextAt: number): Promise<void>;
}

/** What must reach the outside at least once: an event of a job, for one consumer. */
export interface OutboxEntry {
  /** The consumer's name, such as `supabase`. */
  readonly consumer: string;
  readonly jobId: string;
  /** `ended`: the job ended, or succeeded after its files were collected again. */
  readonly event: 'ended';
  /** Revision of the job at the event: a later event of the same kind replaces the entry. */
  readonly revision: number;
  /** Failed attempts so far. */
  readonly attempts: number;
}

/**
 * The outbox. Entries are written in the transaction of the job state that they report, one per consumer. Every call rejects
 * with `ComfyUIError` `storage_failed` when the database is unreachable, locked or full.
 */
export abstract class OutboxRepository {
  /** Entries of a consumer whose next attempt is due, earliest first. */
  abstract due(consumer: string, now: number, limit: number): Promise<readonly OutboxEntry[]>;

  /** Removes a delivered entry; one of a later revision stays. */
  abstract delivered(entry: OutboxEntry): Promise<void>;

  /** Counts a failed attempt; the next one is at `nextAt`, milliseconds since the epoch. */
  abstract postpone(entry: OutboxEntry, nextAt: number): Promise<void>;
}

import type { Job } from '../../domain/job/job';

/** A page of waiting jobs, in the order of the queue. */
export interface WaitingPage {
  readonly jobs: readonly Job[];
  /** For the page after; null at the end. */
  readonly next: string | null;
}

export type KnownJob = Pick<Job, 'id' | 'revision'>;

/** The jobs that have not ended, by what becomes of them next. */
export abstract class JobBacklog {
  /** How many wait before this one; undefined when it does not wait. */
  abstract ahead(jobId: string): Promise<number | undefined>;

  /** How many wait. */
  abstract size(): Promise<number>;

  /** Those that wait, as they come in the queue. @param after `next` of the page before */
  abstract waiting(limit: number, after?: string): Promise<WaitingPage>;

  /** Those handed to a server that have not ended: after a start, or when a server changes hands, those of the process before. */
  abstract handedTo(backend: string): Promise<readonly Job[]>;

  /** The servers that jobs are handed to, and how many. */
  abstract load(): Promise<ReadonlyMap<string, number>>;

  /** Those of these jobs that are stored with a later revision; unlike the others, they may have ended. */
  abstract changed(known: readonly KnownJob[]): Promise<readonly Job[]>;

  /** Waiting jobs that have never started and whose `startBy` is over; at most `limit`. */
  abstract overdue(now: number, limit: number): Promise<readonly Job[]>;
}

import type { Job } from '../../domain/job/job';

/** A job that waits to be handed to a server. */
export interface Ticket {
  readonly jobId: string;
  /** The same for jobs that need the same node classes and labels: where one can not run, the other can not. */
  readonly needsKey: string;
}

/**
 * The order in which waiting jobs are handed over: by `queuedAt`, moved by priority. One step of priority is worth
 * {@link PRIORITY_STEP_MS} of waiting, so low priority waits longer, but not forever. Within a level it is first come, first served.
 * A job waits when it has not ended and is handed to no server; one that comes back takes its old place.
 */
export abstract class JobQueue {
  /** The first that waits, leaving out those with these needs. */
  abstract next(exceptNeeds: readonly string[]): Promise<Ticket | undefined>;

  /** How many wait before this one; undefined when it does not wait. */
  abstract ahead(jobId: string): Promise<number | undefined>;

  /** Jobs that are handed to a server and have not ended: after a start, those of the process before. */
  abstract handedOver(): Promise<readonly Job[]>;

  /** Waiting jobs that have never started and whose `startBy` is over; at most `limit`. */
  abstract overdue(now: number, limit: number): Promise<readonly Job[]>;
}

export const PRIORITY_STEP_MS = 10_000;

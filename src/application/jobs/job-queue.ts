import type { Job } from '../../domain/job/job';
import type { StoredJob } from './job-repository';

/** A job that waits to be handed to a server. */
export interface Ticket {
  readonly jobId: string;
  /** The same for jobs that need the same node classes and labels: where one can not run, the other can not. */
  readonly requirementsKey: string;
}

/**
 * The order in which waiting jobs are handed over: by `queuedAt`, moved by priority. One step of priority is worth
 * {@link PRIORITY_STEP_MS} of waiting, so low priority waits longer, but not forever. Within a level it is first come, first served.
 * A job waits when it has not ended and is handed to no server; one that comes back takes its old place.
 *
 * The queue leads to jobs, the store knows them: a ticket may be of a job that waits no more, and a job may have lost its ticket.
 * An adapter that keeps tickets apart from jobs holds to the order roughly, by bands of priority, and a moment late.
 */
export abstract class JobQueue {
  /** Tells other processes of a job that just came, before it is offered: who has room may take it. It may get lost. */
  abstract tell(job: StoredJob): void;

  /** Makes sure that jobs which wait have a ticket, of the priority that they have come to by waiting. */
  abstract offer(jobs: readonly Job[]): Promise<void>;

  /** Takes the first ticket, leaving out those with these needs. Each has to be given up by {@link settle} or {@link putBack}. */
  abstract next(exceptRequirements: readonly string[]): Promise<Ticket | undefined>;

  /** The job of a ticket was handed over, or does not wait any more. */
  abstract settle(ticket: Ticket): Promise<void>;

  /** No server of this process can take the job now: it is for another, or for later. */
  abstract putBack(ticket: Ticket): Promise<void>;

  /** How many tickets there are; null where a job is its own ticket, which can not get lost. */
  abstract tickets(): Promise<number | null>;

  /** Rings when another process may have offered jobs. At most one listens. */
  abstract onOffer(notifyAll: () => void): void;

  /** Hears of the jobs that other processes {@link tell} of; of large ones their ids only. At most one listens. */
  abstract onTold(hear: (jobId: string, job?: StoredJob) => void): void;
}

export const PRIORITY_STEP_MS = 10_000;

import { Logger } from '@nestjs/common';
import { JobQueue, type Ticket } from '../../application/jobs/job-queue';
import type { StoredJob } from '../../application/jobs/job-repository';
import { toComfyUIError } from '../../domain/errors';
import type { Job } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import type { BullJobQueue } from './bull-job-queue';

/** Tickets in Redis; while it is away, or can not give any, the waiting jobs themselves. */
export class OutageQueue extends JobQueue {
  readonly #logger = new Logger(OutageQueue.name);
  /** Those that Redis knows nothing of. */
  readonly #stored = new WeakSet<Ticket>();
  #isFailing = false;

  constructor(
    private readonly bull: BullJobQueue,
    private readonly store: JobQueue,
  ) {
    super();
  }

  tell(job: StoredJob): void {
    this.bull.tell(job);
  }

  offer(jobs: readonly Job[]): Promise<void> {
    return this.bull.offer(jobs);
  }

  async next(exceptRequirements: readonly string[]): Promise<Ticket | undefined> {
    try {
      if (this.bull.isThere) {
        const ticket = await this.bull.next(exceptRequirements);
        this.#isFailing = false;
        return ticket;
      }
    } catch (error) {
      if (!this.#isFailing)
        this.#logger.warn(`Jobs are handed over without their tickets: ${oneLine(toComfyUIError(error).message)}`);
      this.#isFailing = true;
    }
    const ticket = await this.store.next(exceptRequirements);
    if (ticket) this.#stored.add(ticket);
    return ticket;
  }

  settle(ticket: Ticket): Promise<void> {
    return this.#of(ticket).settle(ticket);
  }

  putBack(ticket: Ticket): Promise<void> {
    return this.#of(ticket).putBack(ticket);
  }

  tickets(): Promise<number | null> {
    return this.bull.tickets();
  }

  onOffer(notifyAll: () => void): void {
    this.bull.onOffer(notifyAll);
  }

  onTold(hear: (jobId: string, job?: StoredJob) => void): void {
    this.bull.onTold(hear);
  }

  #of(ticket: Ticket): JobQueue {
    return this.#stored.has(ticket) ? this.store : this.bull;
  }
}

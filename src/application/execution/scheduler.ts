import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { isWaiting } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import { ShutdownState } from '../maintenance/shutdown-state';
import { JobExecutor } from './job-executor';
import type { JobSession } from '../jobs/job-session';
import { JobRegistry } from '../jobs/job-registry';
import { JobQueue, type Ticket } from '../jobs/job-queue';
import type { StoredJob } from '../jobs/job-repository';
import { ProcessRole } from './process-role';
import { SharedRead } from '../../shared/shared-read';

/** How often it looks without being rung for, ms. */
const INTERVAL_MS = 1_000;

/** Hands waiting jobs to servers, in the order of the queue, as places become free. */
@Injectable()
export class Scheduler implements OnApplicationBootstrap {
  readonly #logger = new Logger(Scheduler.name);
  #lookedAt = 0;
  readonly #rounds = new SharedRead(() => this.#round());

  constructor(
    private readonly queue: JobQueue,
    private readonly pool: BackendPool,
    private readonly registry: JobRegistry,
    private readonly executor: JobExecutor,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onApplicationBootstrap(): void {
    if (this.role.runsJobs) void this.#work();
  }

  /** Resolves when every waiting job that can be handed over now has been. Never rejects. */
  dispatch(): Promise<void> {
    return this.#rounds.get();
  }

  /**
   * Hands over a job that just came, if there is room and nobody waits before it, without its ticket. Never rejects.
   * @param told the job, if it need not be read
   */
  async takeAtOnce(jobId: string, told?: StoredJob): Promise<void> {
    if (this.shutdownState.hasBegun || this.pool.condition.mayHaveWork || !this.pool.hasRoom) return;
    try {
      await this.#handOpen(told ? await this.registry.openTold(told) : await this.registry.openToRun(jobId));
    } catch (error) {
      this.#logger.warn(`Job ${jobId} waits for its turn: ${oneLine(toComfyUIError(error).message)}`);
    }
  }

  async #work(): Promise<void> {
    while (!this.shutdownState.isOver) {
      const news = this.pool.condition.next(INTERVAL_MS, this.shutdownState.over);
      await this.dispatch();
      await news;
      // Other processes may have stored jobs, too, and do not ring here.
      if (Date.now() - this.#lookedAt >= INTERVAL_MS) this.pool.condition.mayHaveWork = true;
    }
  }

  async #round(): Promise<void> {
    try {
      if (this.shutdownState.hasBegun) await this.#handHeld();
      else await this.#handNext();
    } catch (error) {
      this.#logger.error(`Jobs can not be handed over: ${oneLine(toComfyUIError(error).message)}`);
    }
  }

  async #handNext(): Promise<void> {
    const stuck: string[] = [];
    while (this.pool.hasRoom && this.pool.condition.mayHaveWork && !this.shutdownState.hasBegun) {
      const ticket = await this.#next(stuck);
      if (!ticket) return;
      if (!(await this.#handTicket(ticket))) stuck.push(ticket.requirementsKey);
    }
  }

  /** Places become free more often than jobs come: the queue is asked only when there may be one. */
  async #next(stuck: readonly string[]): Promise<Ticket | undefined> {
    this.#lookedAt = Date.now();
    this.pool.condition.mayHaveWork = false;
    const ticket = await this.queue.next(stuck);
    if (ticket || stuck.length > 0) this.pool.condition.mayHaveWork = true;
    return ticket;
  }

  /** @returns whether the ticket was settled: its job was handed over, or does not wait any more */
  async #handTicket(ticket: Ticket): Promise<boolean> {
    try {
      const isUsed = await this.#handOpen(await this.registry.openToRun(ticket.jobId));
      await (isUsed ? this.queue.settle(ticket) : this.queue.putBack(ticket));
      return isUsed;
    } catch (error) {
      await this.queue.putBack(ticket);
      throw error;
    }
  }

  /** @returns whether it waits no more */
  async #handOpen(session: JobSession | undefined): Promise<boolean> {
    try {
      return !session || !isWaiting(session.job) || (await this.#hand(session)) || !isWaiting(session.job);
    } finally {
      session?.release();
    }
  }

  /** During a shutdown only those whose callers wait for them. */
  async #handHeld(): Promise<void> {
    const waiting = this.registry.held().filter(({ job }) => isWaiting(job));
    for (const session of waiting) await this.#hand(session);
  }

  async #hand(session: JobSession): Promise<boolean> {
    const { requirements, attempts } = session.job;
    const failed = attempts.map(({ backend: url }) => url);
    // Of runs that a node failed, only those come back for which the device is to blame.
    const broken = attempts.filter(({ error }) => error?.code === 'execution_failed').map(({ backend: url }) => url);
    const backend = this.pool.choose(requirements, failed, broken);
    return backend !== undefined && this.executor.hand(session, backend);
  }
}

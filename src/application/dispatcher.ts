import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../domain/errors';
import { isWaiting } from '../domain/job/job';
import { oneLine } from '../domain/text';
import { BackendPool } from './backends/backend-pool';
import { Draining } from './draining';
import { JobRunner } from './job-runner';
import type { LiveJob } from './live-job';
import { LiveJobs } from './live-jobs';
import { JobQueue, type Ticket } from './ports/job-queue';
import type { StoredJob } from './ports/job-store';
import { ProcessRole } from './process-role';
import { SharedRead } from './shared-read';

/** How often it looks without being rung for, ms. */
const INTERVAL_MS = 1_000;

/** Hands waiting jobs to servers, in the order of the queue, as places become free. */
@Injectable()
export class Dispatcher implements OnApplicationBootstrap {
  readonly #logger = new Logger(Dispatcher.name);
  #lookedAt = 0;
  readonly #rounds = new SharedRead(() => this.#round());

  constructor(
    private readonly queue: JobQueue,
    private readonly pool: BackendPool,
    private readonly lives: LiveJobs,
    private readonly runner: JobRunner,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  onApplicationBootstrap(): void {
    if (this.role.drives) void this.#work();
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
    if (this.draining.hasBegun || this.pool.bell.mayHaveWork || !this.pool.hasRoom) return;
    try {
      await this.#handOpen(told ? await this.lives.openTold(told) : await this.lives.openToRun(jobId));
    } catch (error) {
      this.#logger.warn(`Job ${jobId} waits for its turn: ${oneLine(toComfyUIError(error).message)}`);
    }
  }

  async #work(): Promise<void> {
    while (!this.draining.isOver) {
      const news = this.pool.bell.next(INTERVAL_MS, this.draining.over);
      await this.dispatch();
      await news;
      // Other processes may have stored jobs, too, and do not ring here.
      if (Date.now() - this.#lookedAt >= INTERVAL_MS) this.pool.bell.mayHaveWork = true;
    }
  }

  async #round(): Promise<void> {
    try {
      if (this.draining.hasBegun) await this.#handHeld();
      else await this.#handNext();
    } catch (error) {
      this.#logger.error(`Jobs can not be handed over: ${oneLine(toComfyUIError(error).message)}`);
    }
  }

  async #handNext(): Promise<void> {
    const stuck: string[] = [];
    while (this.pool.hasRoom && this.pool.bell.mayHaveWork && !this.draining.hasBegun) {
      const ticket = await this.#next(stuck);
      if (!ticket) return;
      if (!(await this.#handTicket(ticket))) stuck.push(ticket.needsKey);
    }
  }

  /** Places become free more often than jobs come: the queue is asked only when there may be one. */
  async #next(stuck: readonly string[]): Promise<Ticket | undefined> {
    this.#lookedAt = Date.now();
    this.pool.bell.mayHaveWork = false;
    const ticket = await this.queue.next(stuck);
    if (ticket || stuck.length > 0) this.pool.bell.mayHaveWork = true;
    return ticket;
  }

  /** @returns whether the ticket was settled: its job was handed over, or does not wait any more */
  async #handTicket(ticket: Ticket): Promise<boolean> {
    try {
      const isUsed = await this.#handOpen(await this.lives.openToRun(ticket.jobId));
      await (isUsed ? this.queue.settle(ticket) : this.queue.putBack(ticket));
      return isUsed;
    } catch (error) {
      await this.queue.putBack(ticket);
      throw error;
    }
  }

  /** @returns whether it waits no more */
  async #handOpen(live: LiveJob | undefined): Promise<boolean> {
    try {
      return !live || !isWaiting(live.job) || (await this.#hand(live)) || !isWaiting(live.job);
    } finally {
      live?.release();
    }
  }

  /** During a shutdown only those whose callers wait for them. */
  async #handHeld(): Promise<void> {
    const waiting = this.lives.held().filter(({ job }) => isWaiting(job));
    for (const live of waiting) await this.#hand(live);
  }

  async #hand(live: LiveJob): Promise<boolean> {
    const { needs, attempts } = live.job;
    const failed = attempts.map(({ backend: url }) => url);
    // Of runs that a node failed, only those come back for which the device is to blame.
    const broken = attempts.filter(({ error }) => error?.code === 'execution_failed').map(({ backend: url }) => url);
    const backend = this.pool.choose(needs, failed, broken);
    return backend !== undefined && this.runner.hand(live, backend);
  }
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { recordOf } from '../../domain/job/job-state';
import { isWaiting, type Job } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import { Condition } from '../../shared/condition';
import { Scheduler } from './scheduler';
import { ShutdownState } from '../maintenance/shutdown-state';
import type { JobSession } from '../jobs/job-session';
import { JobRegistry } from '../jobs/job-registry';
import { JobBacklog } from '../jobs/job-backlog';
import { JobQueue } from '../jobs/job-queue';
import { ProcessRole } from './process-role';
import { sleep } from '../../shared/sleep';

/** Who hears of a job and has room takes it within so long; then it needs no ticket, ms. */
const HESITATION_MS = 50;
/** How often the jobs that come next are offered again, ms, and how many. */
const AGAIN = { everyMs: 2_000, first: 200, page: 1_000 } as const;

interface Announced {
  readonly job: Job;
  /** How it went on, where somebody here held it. */
  readonly session: JobSession | undefined;
}

/** Gives waiting jobs their tickets, where these are kept apart: when nobody takes them at once, and again in case they got lost. */
@Injectable()
export class JobOffering implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(JobOffering.name);
  readonly #announced = new Condition();
  #jobs: Announced[] = [];
  #isFailing = false;

  constructor(
    private readonly queue: JobQueue,
    private readonly backlog: JobBacklog,
    private readonly pool: BackendPool,
    private readonly registry: JobRegistry,
    private readonly scheduler: Scheduler,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onModuleInit(): void {
    if (this.role.isSingleProcess) return;
    this.queue.onOffer(() => this.pool.condition.announce());
    if (this.role.runsJobs) this.queue.onTold((jobId, job) => void this.scheduler.takeAtOnce(jobId, job));
    this.pool.condition.onAnnounce = (job) => {
      if (job.fencingToken === 0) this.queue.tell({ job, workflow: job.workflow });
      this.#jobs.push({ job: recordOf(job), session: this.registry.peek(job.id) });
      this.#announced.notifyAll();
    };
  }

  onApplicationBootstrap(): void {
    if (this.role.isSingleProcess) return;
    void this.#offerAnnounced();
    void this.#offerAgain();
  }

  async #offerAnnounced(): Promise<void> {
    while (!this.shutdownState.isOver) {
      if (this.#jobs.length === 0) await this.#announced.next(Infinity, this.shutdownState.over);
      const jobs = this.#jobs;
      this.#jobs = [];
      await sleep(HESITATION_MS, this.shutdownState.over);
      await this.#try(async () => this.queue.offer(await this.#waiting(jobs)));
      this.pool.condition.announce();
    }
  }

  /** Those of them that still wait. Of most it was heard by now that they do not. */
  async #waiting(announced: readonly Announced[]): Promise<readonly Job[]> {
    const jobs = announced.filter(({ job, session }) => isWaiting(session?.job ?? job)).map(({ job }) => job);
    if (jobs.length === 0) return jobs;
    const changed = new Map((await this.backlog.changed(jobs)).map((job) => [job.id, job]));
    return jobs.map((job) => changed.get(job.id) ?? job).filter(isWaiting);
  }

  async #offerAgain(): Promise<void> {
    while (!this.shutdownState.isOver) {
      if (this.role.isLeader) await this.#try(() => this.#repair());
      await sleep(AGAIN.everyMs, this.shutdownState.over);
    }
  }

  async #repair(): Promise<void> {
    const tickets = await this.queue.tickets();
    if (tickets === null) return;
    await this.queue.offer((await this.backlog.waiting(AGAIN.first)).jobs);
    if (tickets >= (await this.backlog.size())) return;
    for (let next: string | null | undefined; next !== null;) {
      const page = await this.backlog.waiting(AGAIN.page, next);
      await this.queue.offer(page.jobs);
      next = page.next;
    }
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        this.#logger.error(`Waiting jobs can not be offered now: ${oneLine(toComfyUIError(error).message)}`);
      this.#isFailing = true;
    }
  }
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../domain/errors';
import { recordOf } from '../domain/job/active-job';
import { isWaiting, type Job } from '../domain/job/job';
import { oneLine } from '../domain/text';
import { BackendPool } from './backends/backend-pool';
import { Bell } from './bell';
import { Dispatcher } from './dispatcher';
import { Draining } from './draining';
import type { LiveJob } from './live-job';
import { LiveJobs } from './live-jobs';
import { JobBacklog } from './ports/job-backlog';
import { JobQueue } from './ports/job-queue';
import { ProcessRole } from './process-role';
import { sleep } from './sleep';

/** Who hears of a job and has room takes it within so long; then it needs no ticket, ms. */
const HESITATION_MS = 50;
/** How often the jobs that come next are offered again, ms, and how many. */
const AGAIN = { everyMs: 2_000, first: 200, page: 1_000 } as const;

interface Announced {
  readonly job: Job;
  /** How it went on, where somebody here held it. */
  readonly live: LiveJob | undefined;
}

/** Gives waiting jobs their tickets, where these are kept apart: when nobody takes them at once, and again in case they got lost. */
@Injectable()
export class JobOffering implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(JobOffering.name);
  readonly #announced = new Bell();
  #jobs: Announced[] = [];
  #isFailing = false;

  constructor(
    private readonly queue: JobQueue,
    private readonly backlog: JobBacklog,
    private readonly pool: BackendPool,
    private readonly lives: LiveJobs,
    private readonly dispatcher: Dispatcher,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  onModuleInit(): void {
    if (this.role.isAlone) return;
    this.queue.onOffer(() => this.pool.bell.announce());
    if (this.role.drives) this.queue.onTold((jobId, job) => void this.dispatcher.takeAtOnce(jobId, job));
    this.pool.bell.onAnnounce = (job) => {
      if (job.placement === 0) this.queue.tell({ job, workflow: job.workflow });
      this.#jobs.push({ job: recordOf(job), live: this.lives.peek(job.id) });
      this.#announced.ring();
    };
  }

  onApplicationBootstrap(): void {
    if (this.role.isAlone) return;
    void this.#offerAnnounced();
    void this.#offerAgain();
  }

  async #offerAnnounced(): Promise<void> {
    while (!this.draining.isOver) {
      if (this.#jobs.length === 0) await this.#announced.next(Infinity, this.draining.over);
      const jobs = this.#jobs;
      this.#jobs = [];
      await sleep(HESITATION_MS, this.draining.over);
      await this.#try(async () => this.queue.offer(await this.#waiting(jobs)));
      this.pool.bell.announce();
    }
  }

  /** Those of them that still wait. Of most it was heard by now that they do not. */
  async #waiting(announced: readonly Announced[]): Promise<readonly Job[]> {
    const jobs = announced.filter(({ job, live }) => isWaiting(live?.job ?? job)).map(({ job }) => job);
    if (jobs.length === 0) return jobs;
    const changed = new Map((await this.backlog.changed(jobs)).map((job) => [job.id, job]));
    return jobs.map((job) => changed.get(job.id) ?? job).filter(isWaiting);
  }

  async #offerAgain(): Promise<void> {
    while (!this.draining.isOver) {
      if (this.role.isChief) await this.#try(() => this.#repair());
      await sleep(AGAIN.everyMs, this.draining.over);
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

import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../domain/errors';
import type { Job } from '../domain/job/job';
import { oneLine } from '../domain/text';
import { BackendPool } from './backends/backend-pool';
import { Bell } from './bell';
import { Draining } from './draining';
import { LiveJobs } from './live-jobs';
import { JobBacklog } from './ports/job-backlog';
import { JobQueue } from './ports/job-queue';
import { ProcessRole } from './process-role';
import { sleep } from './sleep';

/** How often the jobs that come next are offered again, ms, and how many. */
const AGAIN = { everyMs: 2_000, first: 200, page: 1_000 } as const;

/** Gives waiting jobs their tickets, where these are kept apart: at once, and again in case they got lost. */
@Injectable()
export class JobOffering implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(JobOffering.name);
  readonly #announced = new Bell();
  #jobs: Job[] = [];
  #isFailing = false;

  constructor(
    private readonly queue: JobQueue,
    private readonly backlog: JobBacklog,
    private readonly pool: BackendPool,
    private readonly lives: LiveJobs,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  onModuleInit(): void {
    if (this.role.isAlone) return;
    this.queue.onOffer((jobId) => {
      if (jobId !== undefined && this.role.drives && this.pool.hasRoom) this.lives.expect(jobId);
      this.pool.bell.announce();
    });
    this.pool.bell.onAnnounce = (job) => {
      this.#jobs.push(job);
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
      await this.#try(() => this.queue.offer(jobs));
      this.pool.bell.announce();
    }
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

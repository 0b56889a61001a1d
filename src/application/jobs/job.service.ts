import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';
import { hasEnded, type Job } from '../../domain/job/job';
import type { Workflow } from '../../domain/workflow/workflow';
import { JobCancellation } from './job-cancellation';
import { JobSync } from './job-sync';
import type { JobSession } from './job-session';
import { JobRegistry } from './job-registry';
import { JobBacklog } from './job-backlog';
import { type JobQuery, JobRepository } from './job-repository';

/** A job, and how long it has to wait. */
export interface JobView {
  readonly job: Job;
  /** 1: the next to be handed to a server; 0: handed over, and not started yet; null: not queued. */
  readonly queuePosition: number | null;
}

/** The jobs there are, whoever made them. */
@Injectable()
export class JobService {
  readonly #logger = new Logger(JobService.name);

  constructor(
    private readonly store: JobRepository,
    private readonly backlog: JobBacklog,
    private readonly registry: JobRegistry,
    private readonly sync: JobSync,
    private readonly cancellation: JobCancellation,
  ) {}

  /** @throws ComfyUIError `not_found` */
  async find(id: string): Promise<JobView> {
    const job = await this.#read(id);
    if (!job) throw notFound();
    return this.view(job);
  }

  /** Newest first. @throws ComfyUIError `invalid_request` for a cursor that is none */
  async list(query: JobQuery): Promise<{ readonly jobs: readonly JobView[]; readonly next: string | null }> {
    const { jobs, next } = await this.store.list(query);
    const current = await this.sync.latest(jobs.map((job) => this.registry.running(job.id) ?? job));
    return { jobs: await Promise.all(current.map((job) => this.view(job))), next };
  }

  /** @throws ComfyUIError `not_found` */
  async workflow(id: string): Promise<Workflow> {
    const workflow = this.registry.peek(id)?.job.workflow ?? (await this.store.workflow(id));
    if (!workflow) throw notFound();
    return workflow;
  }

  /**
   * Cancels exactly this job: at once where it waits here, else at its server as soon as that lets go of it. A job that
   * ends first stays ended; asking again changes nothing.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  async cancel(id: string): Promise<JobView> {
    const session = await this.watch(id);
    try {
      await this.cancellation.cancel(session);
      this.#logger.log(`Job ${id}: cancelation requested, it is ${session.job.status}`);
      return await this.view(session.job);
    } finally {
      session.release();
    }
  }

  /** Forgets an ended job. @throws ComfyUIError `not_found`, `not_ended` */
  async remove(id: string): Promise<void> {
    const { job } = await this.find(id);
    if (!hasEnded(job))
      throw new ComfyUIError('not_ended', `The job is ${job.status}: cancel it first.`, { jobId: id });
    if (!(await this.store.remove(id))) throw notFound();
    this.#logger.log(`Job ${id} deleted`);
  }

  /** A job to be watched: held once, to be released. @throws ComfyUIError `not_found` */
  async watch(id: string): Promise<JobSession> {
    const session = await this.registry.open(id);
    if (!session) throw notFound();
    return session;
  }

  async #read(id: string): Promise<Job | undefined> {
    const running = this.registry.running(id);
    if (running) return running;
    const job = await this.store.find(id);
    return job && (await this.sync.latest([job]))[0];
  }

  async view(job: Job): Promise<JobView> {
    await this.registry.peek(job.id)?.untilStored();
    if (job.status !== 'queued') return { job, queuePosition: null };
    if (job.backend !== null) return { job, queuePosition: 0 };
    const ahead = await this.backlog.ahead(job.id);
    return { job, queuePosition: ahead === undefined ? 0 : ahead + 1 };
  }
}

function notFound(): ComfyUIError {
  return new ComfyUIError('not_found', 'There is no job with this id.');
}

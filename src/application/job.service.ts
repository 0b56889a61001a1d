import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError } from '../domain/errors';
import { hasEnded, type Job } from '../domain/job/job';
import type { JobChange } from '../domain/job/job-change';
import type { Workflow } from '../domain/workflow/workflow';
import { JobRecorder } from './job-recorder';
import { JobRunner } from './job-runner';
import type { LiveJob } from './live-job';
import { LiveJobs } from './live-jobs';
import { JobQueue } from './ports/job-queue';
import { type JobQuery, JobStore } from './ports/job-store';

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
    private readonly store: JobStore,
    private readonly queue: JobQueue,
    private readonly lives: LiveJobs,
    private readonly recorder: JobRecorder,
    private readonly runner: JobRunner,
  ) {}

  /** @throws ComfyUIError `not_found` */
  async find(id: string): Promise<JobView> {
    const job = this.lives.peek(id)?.job ?? (await this.store.find(id));
    if (!job) throw notFound();
    return this.view(job);
  }

  /** Newest first. @throws ComfyUIError `invalid_request` for a cursor that is none */
  async list(query: JobQuery): Promise<{ readonly jobs: readonly JobView[]; readonly next: string | null }> {
    const { jobs, next } = await this.store.list(query);
    const views = jobs.map((job) => this.view(this.lives.peek(job.id)?.job ?? job));
    return { jobs: await Promise.all(views), next };
  }

  /** @throws ComfyUIError `not_found` */
  async workflow(id: string): Promise<Workflow> {
    const workflow = this.lives.peek(id)?.job.workflow ?? (await this.store.workflow(id));
    if (!workflow) throw notFound();
    return workflow;
  }

  /**
   * Cancels exactly this job: at once where it waits here, else at its server as soon as that lets go of it. A job that
   * ends first stays ended; asking again changes nothing.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  async cancel(id: string): Promise<JobView> {
    const live = await this.watch(id);
    try {
      await this.recorder.commit(live, cancelation);
      if (live.job.cancelRequested) this.runner.cancel(id);
      this.#logger.log(`Job ${id}: cancelation requested, it is ${live.job.status}`);
      return await this.view(live.job);
    } finally {
      live.release();
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
  async watch(id: string): Promise<LiveJob> {
    const live = await this.lives.open(id);
    if (!live) throw notFound();
    return live;
  }

  async view(job: Job): Promise<JobView> {
    await this.lives.peek(job.id)?.stored();
    if (job.status !== 'queued') return { job, queuePosition: null };
    if (job.backend !== null) return { job, queuePosition: 0 };
    const ahead = await this.queue.ahead(job.id);
    return { job, queuePosition: ahead === undefined ? 0 : ahead + 1 };
  }
}

/** Where it waits here nobody has to be asked. */
function cancelation(job: Job): JobChange | undefined {
  if (job.cancelRequested) return undefined;
  if (job.backend !== null) return { kind: 'cancel-requested' };
  const error = new ComfyUIError('canceled', 'The job was canceled.', { jobId: job.id });
  return { kind: 'canceled', error };
}

function notFound(): ComfyUIError {
  return new ComfyUIError('not_found', 'There is no job with this id.');
}

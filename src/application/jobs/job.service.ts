import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';
import { hasEnded, type Job } from '../../domain/job/job';
import type { JobEvent } from '../../domain/job/job-event';
import type { Workflow } from '../../domain/workflow/workflow';
import { JobCancellation } from './job-cancellation';
import { type EventOptions, jobEvents } from './job-event-stream';
import { JobRegistry } from './job-registry';
import { type JobQuery, JobRepository, type QueuedJob } from './job-repository';
import type { JobSession } from './job-session';
import { JobSync } from './job-sync';
import { JobWriter } from './job-writer';

/**
 * A job and its place in the queue.
 * @publicApi
 */
export interface JobView {
  readonly job: Job;
  /** 1: the next to be assigned; 0: assigned, and not started yet; null: not queued. */
  readonly queuePosition: number | null;
}

/**
 * A page of jobs, newest first.
 * @publicApi
 */
export interface JobViewPage {
  readonly jobs: readonly JobView[];
  /** Cursor of the page after; null at the end. */
  readonly next: string | null;
}

/**
 * The jobs of all callers.
 * @publicApi
 */
@Injectable()
export class JobService {
  readonly #logger = new Logger(JobService.name);

  constructor(
    private readonly repository: JobRepository,
    private readonly registry: JobRegistry,
    private readonly sync: JobSync,
    private readonly writer: JobWriter,
    private readonly cancellation: JobCancellation,
  ) {}

  /** @throws ComfyUIError `not_found`, `storage_failed` */
  async find(id: string): Promise<JobView> {
    const current = this.registry.current(id);
    if (current) return this.view(current);
    const stored = await this.repository.find(id);
    if (!stored) throw notFound();
    const [job = stored.job] = await this.sync.latest([stored.job]);
    return viewOf({ job, ahead: stored.ahead });
  }

  /** A page of jobs, newest first. @throws ComfyUIError `invalid_request` for an invalid cursor, `storage_failed` */
  async list(query: JobQuery): Promise<JobViewPage> {
    const { jobs: stored, next } = await this.repository.list(query);
    const latest = await this.sync.latest(stored.map(({ job }) => this.registry.current(job.id) ?? job));
    await Promise.all(latest.map(({ id }) => this.#untilStored(id)));
    return { jobs: latest.map((job, index) => viewOf({ job, ahead: stored[index]?.ahead })), next };
  }

  /** @throws ComfyUIError `not_found`, `storage_failed` */
  async workflow(id: string): Promise<Workflow> {
    const workflow =
      this.registry.peek(id)?.job.workflow ?? (await this.repository.find(id, { withWorkflow: true }))?.workflow;
    if (!workflow) throw notFound();
    return workflow;
  }

  /**
   * Cancels exactly this job: at once where it waits, else as soon as its backend lets go of it. A job that ends first stays
   * ended; a second call changes nothing.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  async cancel(id: string): Promise<JobView> {
    const session = await this.watch(id);
    try {
      await this.cancellation.cancel(session);
      this.#logger.log(`Job ${id}: cancellation requested, it is ${session.job.status}`);
      return await this.view(session.job);
    } finally {
      session.release();
    }
  }

  /** Deletes an ended job and its assets. @throws ComfyUIError `not_found`, `not_ended`, `storage_failed` */
  async remove(id: string): Promise<void> {
    const { job } = await this.find(id);
    if (!hasEnded(job))
      throw new ComfyUIError('not_ended', `The job is ${job.status}: cancel it first.`, { jobId: id });
    if ((await this.repository.remove({ id })) === 0) throw notFound();
    this.#logger.log(`Job ${id} deleted`);
  }

  /** The session of a job, held once: release it. @throws ComfyUIError `not_found`, `storage_failed` */
  async watch(id: string): Promise<JobSession> {
    const session = await this.registry.open(id);
    if (!session) throw notFound();
    return session;
  }

  /**
   * The events of a job from now on, first what it is; ends with the job or the signal. A slow reader skips intermediate progress
   * and previews, and no status and no output. Statuses and outputs are stored when they are yielded.
   * @throws ComfyUIError `shutting_down`, `backend_unreachable` with `whenUnreachable: 'refuse'`; the job goes on
   */
  events(session: JobSession, options: EventOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
    return jobEvents(session, () => this.writer.stored(session), options);
  }

  /** A job that was read, with its place in the queue. */
  async view(job: Job): Promise<JobView> {
    await this.#untilStored(job.id);
    const isWaiting = job.status === 'queued' && job.backend === null;
    const ahead = isWaiting ? (await this.repository.find(job.id))?.ahead : undefined;
    return viewOf({ job, ahead });
  }

  async #untilStored(id: string): Promise<void> {
    const session = this.registry.peek(id);
    if (session) await this.writer.stored(session);
  }
}

function viewOf({ job, ahead }: QueuedJob): JobView {
  if (job.status !== 'queued') return { job, queuePosition: null };
  return { job, queuePosition: job.backend !== null || ahead === undefined ? 0 : ahead + 1 };
}

function notFound(): ComfyUIError {
  return new ComfyUIError('not_found', 'There is no job with this id.');
}

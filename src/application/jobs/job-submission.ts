import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { recordOf } from '../../domain/job/job-state';
import { BackendPool } from '../backends/backend-pool';
import { Scheduler } from '../execution/scheduler';
import { JobRegistry } from './job-registry';
import { type Idempotency, JobRepository } from './job-repository';
import { type GenerationRequest, idempotencyOf, JobRequestParser } from './job-request';
import type { JobSession } from './job-session';

/** Stores a request as a job, and assigns it at once where a backend has a free slot and no job waits. */
@Injectable()
export class JobSubmission {
  readonly #logger = new Logger(JobSubmission.name);

  constructor(
    private readonly requests: JobRequestParser,
    private readonly repository: JobRepository,
    private readonly registry: JobRegistry,
    private readonly scheduler: Scheduler,
    private readonly pool: BackendPool,
  ) {}

  /**
   * @returns the session of the job, held once for the caller
   * @throws ComfyUIError `invalid_request`, `queue_full`, `idempotency_mismatch`, `storage_failed`, and with
   * `whenUnreachable: 'refuse'` the error of the backend that is not reachable
   */
  async submit(request: GenerationRequest): Promise<JobSession> {
    const job = this.requests.parse(request);
    const idempotency = idempotencyOf(request.idempotencyKey, job);
    const error = request.whenUnreachable === 'refuse' ? await this.pool.findError() : undefined;
    if (error && !idempotency) throw error;
    const session = this.registry.add(job);
    try {
      return await this.#store(session, idempotency, error !== undefined);
    } catch (thrown) {
      session.release();
      throw error && toComfyUIError(thrown).code === 'queue_full' ? error : thrown;
    }
  }

  async #store(session: JobSession, idempotency: Idempotency | undefined, onlyFind: boolean): Promise<JobSession> {
    const { workflow, ...state } = session.job;
    const assignment = this.scheduler.assign(session.job);
    const entry = {
      job: recordOf(session.job),
      workflow,
      assigned: assignment && { job: assignment.job, lease: assignment.lease },
      maxQueue: onlyFind ? 0 : this.requests.maxQueue,
      idempotency,
    };
    const { job, isNew } = await this.repository.add(entry).catch((error: unknown) => {
      assignment?.release();
      throw error;
    });
    if (!isNew) {
      assignment?.release();
      return this.#earlier(session, job.id);
    }
    // A late response: by then another process, or the claim of this one, may have moved the job on.
    if (assignment && !session.isRunning && assignment.isOf(job)) this.scheduler.start(assignment, session);
    else {
      assignment?.release();
      this.scheduler.requestRun();
    }
    this.#logger.log(`Job ${state.id}: ${Object.keys(workflow).length} nodes`);
    return session;
  }

  /** The job that was submitted with the same key. */
  async #earlier(session: JobSession, id: string): Promise<JobSession> {
    const earlier = await this.registry.open(id);
    if (!earlier) throw new ComfyUIError('not_found', 'The job of this Idempotency-Key was just deleted.');
    session.release();
    return earlier;
  }
}

import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { type JobState, newJob, recordOf } from '../../domain/job/job-state';
import type { Job } from '../../domain/job/job';
import { parseWorkflow } from '../../domain/workflow/parse-workflow';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import { BackendPool } from '../backends/backend-pool';
import { ShutdownState } from '../maintenance/shutdown-state';
import { Assignment } from '../execution/assignment';
import { JobLimits } from './job-limits';
import { JobExecutor } from '../execution/job-executor';
import type { JobSession, WhenUnreachable } from './job-session';
import { JobRegistry } from './job-registry';
import { newId } from '../../shared/new-id';
import { type Idempotency, JobRepository } from './job-repository';

export interface GenerationRequest {
  /** A workflow in ComfyUI's API format; checked, so it may come straight from outside. */
  readonly workflow: unknown;
  /** Run what ComfyUI accepts of a workflow it accepts only in part; default false: such a run is canceled. */
  readonly allowPartial?: boolean;
  /** Keep temporary files also where the run makes others; default false: then they count only if it makes nothing else. */
  readonly keepPreviews?: boolean;
  /** A word for the workflow, to find its files by; up to 100 characters. */
  readonly label?: string;
  /** -100..100; higher starts sooner. Default 0. */
  readonly priority?: number;
  /** Only servers that carry all of these. */
  readonly labels?: readonly string[];
  /** The same key within 24 hours is the same job, however often it is sent. */
  readonly idempotencyKey?: string;
  /** What to do with a new job while no ComfyUI server can be reached; default `queue`: it waits for one. */
  readonly whenUnreachable?: WhenUnreachable;
}

const MAX_PRIORITY = 100;
const MAX_LABEL = 100;

/** Turns requests into jobs: checked, stored, and only then told of, or handed over at once when a server is free. */
@Injectable()
export class JobSubmission {
  readonly #logger = new Logger(JobSubmission.name);

  constructor(
    private readonly store: JobRepository,
    private readonly registry: JobRegistry,
    private readonly pool: BackendPool,
    private readonly executor: JobExecutor,
    private readonly limits: JobLimits,
    private readonly shutdownState: ShutdownState,
  ) {}

  /**
   * @returns the job, held once for the caller
   * @throws ComfyUIError `invalid_request`, `queue_full`, `idempotency_mismatch`, `storage_failed`, `shutting_down`, and with
   * `whenUnreachable: 'refuse'` the fault of the server that can not be reached
   */
  async take(request: GenerationRequest): Promise<JobSession> {
    this.shutdownState.refuseNew();
    const job = this.#toJob(request);
    const idempotency = idempotencyOf(request, job);
    const fault = request.whenUnreachable === 'refuse' ? await this.pool.findFault() : undefined;
    if (fault && !idempotency) throw fault;
    const session = this.registry.add(job);
    try {
      return await this.#store(session, idempotency, fault ? 0 : this.limits.maxQueue);
    } catch (error) {
      session.release();
      throw fault && toComfyUIError(error).code === 'queue_full' ? fault : error;
    }
  }

  async #store(session: JobSession, idempotency: Idempotency | undefined, maxQueue: number): Promise<JobSession> {
    const { workflow } = session.job;
    const assignment = this.#assignment(session);
    const handed = assignment && { job: recordOf(assignment.job), lease: assignment.backend.hold.lease };
    const entry = { job: recordOf(session.job), handed, workflow, maxQueue, idempotency };
    const { job, isNew } = await this.store.add(entry).catch((error: unknown) => {
      assignment?.release();
      throw error;
    });
    if (isNew && assignment && isAsHanded(job, assignment)) {
      assignment.tell();
      this.executor.start(assignment);
    } else {
      assignment?.release();
      if (!isNew) return this.#instead(session, job.id);
      this.pool.condition.announce(session.job);
    }
    // Whoever runs it need not wait for the log.
    this.#logger.log(`Job ${job.id}: ${Object.keys(workflow).length} nodes`);
    return session;
  }

  /** Where a job can be handed to the moment it is stored, because nobody waits before it. */
  #assignment(session: JobSession): Assignment | undefined {
    if (this.pool.condition.mayHaveWork || !this.pool.hasRoom) return undefined;
    const backend = this.pool.choose(session.job.requirements);
    return backend && new Assignment(session, backend);
  }

  /** The job that was made with the same key. */
  async #instead(session: JobSession, id: string): Promise<JobSession> {
    const earlier = await this.registry.open(id);
    if (!earlier) throw new ComfyUIError('not_found', 'The job of this Idempotency-Key was just deleted.');
    session.release();
    return earlier;
  }

  #toJob({ workflow, ...preferences }: GenerationRequest): JobState {
    const { priority = 0, labels = [], label } = preferences;
    if (!Number.isInteger(priority) || Math.abs(priority) > MAX_PRIORITY)
      throw new ComfyUIError('invalid_request', 'priority must be an integer from -100 to 100.');
    if (label !== undefined && (typeof label !== 'string' || label === '' || label.length > MAX_LABEL))
      throw new ComfyUIError('invalid_request', `label must be text of 1 to ${MAX_LABEL} characters.`);
    if (!this.pool.carries(labels))
      throw new ComfyUIError('invalid_request', 'No configured ComfyUI server carries these labels.', {
        details: { labels },
      });
    const queuedAt = Date.now();
    const startBy = queuedAt + this.limits.queueTimeoutMs;
    const id = newId();
    return newJob({ ...preferences, id, workflow: parseWorkflow(workflow), queuedAt, startBy });
  }
}

/** The answer may have come late: by then others may have moved the job on, or this process by way of a ticket. */
function isAsHanded({ backend, fencingToken, revision }: Job, { session, job }: Assignment): boolean {
  return (
    !session.isRunning && backend === job.backend && fencingToken === job.fencingToken && revision === job.revision
  );
}

/** What makes the job counts; how long its caller waits does not. */
function idempotencyOf({ idempotencyKey: key }: GenerationRequest, job: JobState): Idempotency | undefined {
  if (key === undefined) return undefined;
  const { allowPartial, keepPreviews, label, priority, requirements } = job;
  const preferences = [allowPartial, keepPreviews, label, priority, requirements.labels];
  const request = JSON.stringify([writeWorkflow(job.workflow), ...preferences]);
  return { key, requestHash: createHash('sha256').update(request).digest('hex') };
}

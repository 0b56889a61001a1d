import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../domain/errors';
import { type ActiveJob, newJob, recordOf } from '../domain/job/active-job';
import type { Job } from '../domain/job/job';
import { parseWorkflow } from '../domain/workflow/parse-workflow';
import { writeWorkflow } from '../domain/workflow/workflow-text';
import { BackendPool } from './backends/backend-pool';
import { Draining } from './draining';
import { Handover } from './handover';
import { JobLimits } from './job-limits';
import { JobRunner } from './job-runner';
import type { LiveJob, WhenUnreachable } from './live-job';
import { LiveJobs } from './live-jobs';
import { newId } from './new-id';
import { type Idempotency, JobStore } from './ports/job-store';

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
export class JobIntake {
  readonly #logger = new Logger(JobIntake.name);

  constructor(
    private readonly store: JobStore,
    private readonly lives: LiveJobs,
    private readonly pool: BackendPool,
    private readonly runner: JobRunner,
    private readonly limits: JobLimits,
    private readonly draining: Draining,
  ) {}

  /**
   * @returns the job, held once for the caller
   * @throws ComfyUIError `invalid_request`, `queue_full`, `idempotency_mismatch`, `storage_failed`, `shutting_down`, and with
   * `whenUnreachable: 'refuse'` the fault of the server that can not be reached
   */
  async take(request: GenerationRequest): Promise<LiveJob> {
    this.draining.refuseNew();
    const job = this.#toJob(request);
    const idempotency = idempotencyOf(request, job);
    const fault = request.whenUnreachable === 'refuse' ? await this.pool.findFault() : undefined;
    if (fault && !idempotency) throw fault;
    const live = this.lives.add(job);
    try {
      return await this.#store(live, idempotency, fault ? 0 : this.limits.maxQueue);
    } catch (error) {
      live.release();
      throw fault && toComfyUIError(error).code === 'queue_full' ? fault : error;
    }
  }

  async #store(live: LiveJob, idempotency: Idempotency | undefined, maxQueue: number): Promise<LiveJob> {
    const { workflow } = live.job;
    const handover = this.#handover(live);
    const handed = handover && { job: recordOf(handover.job), lease: handover.backend.hold.lease };
    const entry = { job: recordOf(live.job), handed, workflow, maxQueue, idempotency };
    const { job, isNew } = await this.store.add(entry).catch((error: unknown) => {
      handover?.release();
      throw error;
    });
    if (isNew && handover && isAsHanded(job, handover)) {
      handover.tell();
      this.runner.start(handover);
    } else {
      handover?.release();
      if (!isNew) return this.#instead(live, job.id);
      this.pool.bell.announce(live.job);
    }
    // Whoever runs it need not wait for the log.
    this.#logger.log(`Job ${job.id}: ${Object.keys(workflow).length} nodes`);
    return live;
  }

  /** Where a job can be handed to the moment it is stored, because nobody waits before it. */
  #handover(live: LiveJob): Handover | undefined {
    if (this.pool.bell.mayHaveWork || !this.pool.hasRoom) return undefined;
    const backend = this.pool.choose(live.job.needs);
    return backend && new Handover(live, backend);
  }

  /** The job that was made with the same key. */
  async #instead(live: LiveJob, id: string): Promise<LiveJob> {
    const earlier = await this.lives.open(id);
    if (!earlier) throw new ComfyUIError('not_found', 'The job of this Idempotency-Key was just deleted.');
    live.release();
    return earlier;
  }

  #toJob({ workflow, ...wishes }: GenerationRequest): ActiveJob {
    const { priority = 0, labels = [], label } = wishes;
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
    return newJob({ ...wishes, id, workflow: parseWorkflow(workflow), queuedAt, startBy });
  }
}

/** The answer may have come late: by then others may have moved the job on, or this process by way of a ticket. */
function isAsHanded({ backend, placement, revision }: Job, { live, job }: Handover): boolean {
  return !live.isRunning && backend === job.backend && placement === job.placement && revision === job.revision;
}

/** What makes the job counts; how long its caller waits does not. */
function idempotencyOf({ idempotencyKey: key }: GenerationRequest, job: ActiveJob): Idempotency | undefined {
  if (key === undefined) return undefined;
  const { allowPartial, keepPreviews, label, priority, needs } = job;
  const wishes = [allowPartial, keepPreviews, label, priority, needs.labels];
  const request = JSON.stringify([writeWorkflow(job.workflow), ...wishes]);
  return { key, requestHash: createHash('sha256').update(request).digest('hex') };
}

import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';
import { DEFAULT_JOB_OPTIONS, type JobOptions } from '../../domain/job/job';
import { type JobState, newJob } from '../../domain/job/job-state';
import { parseWorkflow } from '../../domain/workflow/parse-workflow';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { newId } from '../../shared/new-id';
import { BackendPool } from '../backends/backend-pool';
import type { Idempotency } from './job-repository';
import type { WhenUnreachable } from './job-session';

/**
 * What a caller asks for.
 * @publicApi
 */
export interface GenerationRequest extends Partial<Omit<JobOptions, 'label'>> {
  /** A workflow in ComfyUI's API format; checked, so it may come straight from outside. */
  readonly workflow: unknown;
  /** The caller's name for the workflow, to find its files by; up to 100 characters. */
  readonly label?: string;
  /** Only backends that carry all of these labels. */
  readonly labels?: readonly string[];
  /** The same key within 24 hours is the same job, however often it is sent. */
  readonly idempotencyKey?: string;
  /** What happens to a new job while no backend is reachable; default `queue`: it waits for one. */
  readonly whenUnreachable?: WhenUnreachable;
}

const MAX_PRIORITY = 100;
const MAX_LABEL = 100;

/** Turns requests into jobs. */
@Injectable()
export class JobRequestParser {
  constructor(
    private readonly pool: BackendPool,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  /** Limit of waiting jobs. */
  get maxQueue(): number {
    return this.options.maxQueue;
  }

  /** @throws ComfyUIError `invalid_request` */
  parse({ workflow, ...request }: GenerationRequest): JobState {
    const { priority = 0, labels = [], label } = request;
    if (!Number.isInteger(priority) || Math.abs(priority) > MAX_PRIORITY)
      throw new ComfyUIError('invalid_request', 'priority must be an integer from -100 to 100.');
    if (label !== undefined && (typeof label !== 'string' || label === '' || label.length > MAX_LABEL))
      throw new ComfyUIError('invalid_request', `label must be text of 1 to ${MAX_LABEL} characters.`);
    if (!this.pool.carries(labels))
      throw new ComfyUIError('invalid_request', 'No configured ComfyUI server carries these labels.', {
        details: { labels },
      });
    const queuedAt = Date.now();
    const startBy = queuedAt + this.options.queueTimeout * 1000;
    return newJob({ ...request, id: newId(), workflow: parseWorkflow(workflow), queuedAt, startBy });
  }
}

/** The content of the job counts; how long its caller waits does not. */
export function idempotencyOf(key: string | undefined, job: JobState): Idempotency | undefined {
  if (key === undefined) return undefined;
  const { allowPartial, keepPreviews, label, priority, requirements } = job;
  // Version 0.1 hashed these four in this order: its keys stay valid.
  const options = [allowPartial, keepPreviews, label, priority, requirements.labels, ...furtherOptions(job)];
  const request = JSON.stringify([writeWorkflow(job.workflow), ...options]);
  return { key, requestHash: createHash('sha256').update(request).digest('hex') };
}

const HASHED_IN_ORDER = ['allowPartial', 'keepPreviews', 'label', 'priority'];

/** Options that later versions added, where they differ from the default. */
function furtherOptions(job: JobOptions): unknown[] {
  const names = Object.keys(DEFAULT_JOB_OPTIONS) as (keyof JobOptions)[];
  const further = names.filter((name) => !HASHED_IN_ORDER.includes(name) && job[name] !== DEFAULT_JOB_OPTIONS[name]);
  return further.map((name) => [name, job[name]]);
}

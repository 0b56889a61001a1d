import type { ComfyUIError } from '../errors';
import type { Workflow } from '../workflow/workflow';
import type { OutputFile, OutputText } from './outputs';
import { advanceProgress, completedProgress, initialProgress, type Progress, type RunProgress } from './progress';
import type { Preview, RunEvent } from './run-event';

export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'canceling' | 'canceled';

/** An output file whose bytes we hold, with what they turned out to be. */
export interface CollectedFile extends OutputFile {
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels; images only. */
  readonly width?: number;
  readonly height?: number;
}

/** Our record of one run of a workflow. Immutable: {@link advance} makes the next one. */
export interface Job {
  readonly id: string;
  /** Grows by one with every change. */
  readonly revision: number;
  readonly status: JobStatus;
  readonly workflow: Workflow;
  readonly attempt: number;
  /** ComfyUI's id of the current attempt; that of the first one is the job's id. */
  readonly promptId: string;
  readonly progress: Progress;
  readonly outputs: readonly CollectedFile[];
  readonly texts: readonly OutputText[];
  readonly error?: ComfyUIError;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly run: RunProgress;
}

/** What happened to a job: what ComfyUI says of its run, and what we did about it. */
export type JobChange =
  | RunEvent
  | { readonly kind: 'attempt'; readonly promptId: string }
  | { readonly kind: 'renamed'; readonly promptId: string }
  | { readonly kind: 'collected'; readonly file: CollectedFile }
  | { readonly kind: 'texts'; readonly texts: readonly OutputText[] }
  | { readonly kind: 'succeeded'; readonly outputs: readonly CollectedFile[] }
  | { readonly kind: 'failed'; readonly error: ComfyUIError }
  | { readonly kind: 'canceling' }
  | { readonly kind: 'canceled'; readonly error: ComfyUIError };

/** What a viewer of a job is told. A slow one may miss `progress` and `preview`, never `status` or `output`. */
export type JobEvent =
  | { readonly kind: 'status' | 'progress'; readonly job: Job }
  | { readonly kind: 'preview'; readonly job: Job; readonly preview: Preview }
  | { readonly kind: 'output'; readonly job: Job; readonly file: CollectedFile };

export function newJob(id: string, workflow: Workflow, createdAt: number): Job {
  const run = initialProgress(workflow);
  const fresh = {
    status: 'queued',
    revision: 0,
    attempt: 1,
    promptId: id,
    progress: run.snapshot,
    outputs: [],
    texts: [],
  } as const;
  return { id, workflow, createdAt, run, ...fresh };
}

export function hasEnded(job: Job): boolean {
  return job.status === 'succeeded' || job.status === 'failed' || job.status === 'canceled';
}

/** The job after a change; the same object when the change does not concern it. An ended job changes no more. */
export function advance(job: Job, change: JobChange, now: number): Job {
  if (hasEnded(job)) return job;
  const next = apply(job, change, now);
  return next === job ? job : { ...next, revision: job.revision + 1 };
}

function apply(job: Job, change: JobChange, now: number): Job {
  switch (change.kind) {
    case 'attempt':
      return startAttempt(job, change.promptId);
    case 'renamed':
      return { ...job, promptId: change.promptId };
    case 'started':
      return job.status === 'queued' ? { ...job, status: 'running', startedAt: now } : job;
    case 'collected':
      return { ...job, outputs: [...job.outputs, change.file] };
    case 'texts':
      return { ...job, texts: change.texts };
    case 'canceling':
      return { ...job, status: 'canceling' };
    case 'succeeded':
      return {
        ...job,
        status: 'succeeded',
        outputs: change.outputs,
        endedAt: now,
        progress: completedProgress(job.run),
      };
    case 'failed':
    case 'canceled':
      return { ...job, status: change.kind, error: change.error, endedAt: now };
    default:
      return advanceRun(job, change);
  }
}

/** A rerun stays `running`; what the abandoned attempt put out leaves the snapshot. */
function startAttempt(job: Job, promptId: string): Job {
  const run = initialProgress(job.workflow);
  return { ...job, attempt: job.attempt + 1, promptId, run, progress: run.snapshot, outputs: [], texts: [] };
}

function advanceRun(job: Job, event: RunEvent): Job {
  const run = advanceProgress(job.run, event, job.workflow);
  return run === job.run ? job : { ...job, run, progress: run.snapshot };
}

import type { ComfyUIError } from '../errors';
import type { NodeErrors } from '../workflow/node-errors';
import type { WorkflowRequirements } from '../workflow/requirements';
import type { Seed } from '../workflow/seeds';
import type { OutputFile, OutputText } from './outputs';
import type { Progress } from './progress';

/**
 * `queued -> running -> succeeded | failed | expired`, `queued -> failed | expired | canceled`,
 * `running -> canceling -> canceled` (or the end that came first). A status never goes backwards: a rerun stays `running`.
 */
export const JOB_STATUSES = ['queued', 'running', 'canceling', 'succeeded', 'failed', 'expired', 'canceled'] as const;

/**
 * A status of {@link JOB_STATUSES}.
 *
 * @publicApi
 */
export type JobStatus = (typeof JOB_STATUSES)[number];

/**
 * An output file that was downloaded, with the metadata read from its bytes.
 *
 * @publicApi
 */
export interface CollectedFile extends OutputFile {
  /** Lowercase UUID, the id in the asset API. */
  readonly assetId: string;
  /** Of the bytes, 64 hex digits; the key in the asset storage. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels, of images and videos. */
  readonly width?: number;
  readonly height?: number;
  /** Of audio and video. */
  readonly durationSeconds?: number;
}

/**
 * One submission of the workflow to a ComfyUI server. Times in milliseconds since the epoch.
 *
 * @publicApi
 */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** URL of the server, without credentials. */
  readonly backend: string;
  /** ComfyUI's `prompt_id`; for the first attempt it equals the job's id. */
  readonly promptId: string;
  /** The `client_id` of the submission: ComfyUI sends its events only to the socket with that id. Null until accepted. */
  readonly clientId: string | null;
  readonly handedAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** The reason why it produced no result. */
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * ComfyUI's response to the submission of the current attempt.
 *
 * @publicApi
 */
export interface Acceptance {
  /** The `number` in ComfyUI's queue; null when the response was lost and the prompt was found by its id. */
  readonly number: number | null;
  /** Errors of the nodes that ComfyUI left out because they failed validation. */
  readonly nodeErrors: NodeErrors;
}

/**
 * What a request may ask for besides its workflow; each option has a default.
 * @publicApi
 */
export interface JobOptions {
  /** -100..100; higher starts sooner. */
  readonly priority: number;
  /** Runs the valid part of a workflow that ComfyUI accepts only in part. */
  readonly allowPartial: boolean;
  /** Keeps temporary files even if the run produced other files. */
  readonly keepPreviews: boolean;
  /** The caller's name for the workflow, to find its files by. */
  readonly label: string | null;
}

export const DEFAULT_JOB_OPTIONS: JobOptions = { priority: 0, allowPartial: false, keepPreviews: false, label: null };

/**
 * The durable record of one run of a workflow. Times in milliseconds since the epoch.
 * @publicApi
 */
export interface Job extends JobOptions {
  /** Lowercase UUID. */
  readonly id: string;
  /** Increases with every change. */
  readonly revision: number;
  readonly status: JobStatus;
  /** What a backend must have to run the workflow. */
  readonly requirements: WorkflowRequirements;
  readonly seeds: readonly Seed[];
  /** URL of the assigned backend; null while the job waits and after it has ended. */
  readonly backend: string | null;
  /** The fencing token: increases with each assignment and return; the database refuses writes with an older one. */
  readonly fencingToken: number;
  /** The attempts that started, and the current one. A prompt lost before it started is no attempt. */
  readonly attempts: readonly Attempt[];
  readonly acceptance?: Acceptance;
  /** Cancellation was requested and the job has not ended yet. */
  readonly cancelRequested: boolean;
  readonly progress: Progress;
  /** The files so far, without those of abandoned attempts. */
  readonly outputs: readonly CollectedFile[];
  readonly texts: readonly OutputText[];
  /** Node id -> milliseconds in the last attempt, without cached nodes. */
  readonly nodeDurations: Readonly<Record<string, number>>;
  readonly error?: ComfyUIError;
  readonly queuedAt: number;
  /** The job expires if it has not started by this time; null: never. */
  readonly startBy: number | null;
  /** Start of the first attempt. */
  readonly startedAt?: number;
  readonly endedAt?: number;
}

export function hasEnded({ status }: Pick<Job, 'status'>): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'expired' || status === 'canceled';
}

/** Whether the job waits for a backend. */
export function isWaiting(job: Pick<Job, 'status' | 'backend'>): boolean {
  return job.backend === null && !hasEnded(job);
}

/** Whether the job failed only because its files could not be stored: the backend may still have them. */
export function isCollectable({ status, error }: Pick<Job, 'status' | 'error'>): boolean {
  return status === 'failed' && error?.code === 'storage_failed';
}

/** The attempt under way, or the last one of an ended job. */
export function currentAttempt(job: Job): Attempt | undefined {
  return job.attempts.at(-1);
}

/** The number of the current or next attempt, from 1. */
export function attemptNumber(job: Job): number {
  return Math.max(1, job.attempts.length);
}

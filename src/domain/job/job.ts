import type { ComfyUIError } from '../errors';
import type { NodeErrors } from '../workflow/node-errors';
import type { WorkflowRequirements } from '../workflow/requirements';
import type { Seed } from '../workflow/seeds';
import type { OutputFile, OutputText } from './outputs';
import type { Progress } from './progress';

/**
 * `queued -> running -> succeeded | failed | expired`, `queued -> failed | expired | canceled`,
 * `running -> canceling -> canceled`, or to the end that came first. It never goes backwards: a rerun stays `running`.
 */
export const JOB_STATUSES = ['queued', 'running', 'canceling', 'succeeded', 'failed', 'expired', 'canceled'] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

/** An output file whose bytes we held, with what they turned out to be. */
export interface CollectedFile extends OutputFile {
  /** Lowercase UUID; what it is asked for by. */
  readonly assetId: string;
  /** Of the bytes, 64 hex digits; what they are stored by. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels, of pictures and films. */
  readonly width?: number;
  readonly height?: number;
  /** Of sound and films. */
  readonly durationSeconds?: number;
}

/** One handing over of the workflow to a ComfyUI server. Times in milliseconds since the epoch. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Address of the server, without credentials. */
  readonly backend: string;
  /** ComfyUI's id; that of the first attempt is the job's id. */
  readonly promptId: string;
  /** The socket id it was submitted under: its events come to a socket of that id only. Null until it is accepted. */
  readonly clientId: string | null;
  readonly handedAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Why it did not bring the result. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** What ComfyUI said when it took the current attempt. */
export interface Acceptance {
  /** Its place in ComfyUI's own order; null when the answer was lost and the prompt was found by its id. */
  readonly number: number | null;
  /** Nodes that it left out because they failed validation. */
  readonly nodeErrors: NodeErrors;
}

/** Our durable record of one run of a workflow. Times in milliseconds since the epoch. */
export interface Job {
  /** Lowercase UUID. */
  readonly id: string;
  /** Grows with every change. */
  readonly revision: number;
  readonly status: JobStatus;
  /** -100..100; higher starts sooner. */
  readonly priority: number;
  /** Run what ComfyUI accepts of a workflow it accepts only in part. */
  readonly allowPartial: boolean;
  /** Temporary files are kept also where the run made others. */
  readonly keepPreviews: boolean;
  /** The caller's word for the workflow, to find its files by. */
  readonly label: string | null;
  /** What a server must have to run it. */
  readonly requirements: WorkflowRequirements;
  readonly seeds: readonly Seed[];
  /** The server it is handed to now; null while it waits here, and when it has ended. */
  readonly backend: string | null;
  /** Grows whenever the job is handed over or comes back: a write by someone who missed that is refused. */
  readonly fencingToken: number;
  /** Those that started, and the one it is handed over for now. A prompt lost before it started is no attempt. */
  readonly attempts: readonly Attempt[];
  readonly acceptance?: Acceptance;
  /** Somebody asked for its cancelation, and it has not ended yet. */
  readonly cancelRequested: boolean;
  readonly progress: Progress;
  /** So far; those of an abandoned attempt are left out. */
  readonly outputs: readonly CollectedFile[];
  readonly texts: readonly OutputText[];
  /** Node id -> milliseconds it took in the last attempt; cached nodes took none. */
  readonly nodeDurations: Readonly<Record<string, number>>;
  readonly error?: ComfyUIError;
  readonly queuedAt: number;
  /** When it expires if it has not started; null: never. */
  readonly startBy: number | null;
  /** When its first attempt started. */
  readonly startedAt?: number;
  readonly endedAt?: number;
}

export function hasEnded({ status }: Pick<Job, 'status'>): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'expired' || status === 'canceled';
}

/** Whether it is to be handed to a server. */
export function isWaiting(job: Pick<Job, 'status' | 'backend'>): boolean {
  return job.backend === null && !hasEnded(job);
}

/** Whether it ran, and failed only because its files could not be stored: they may still be at its server. */
export function isCollectable({ status, error }: Pick<Job, 'status' | 'error'>): boolean {
  return status === 'failed' && error?.code === 'storage_failed';
}

/** The attempt it is handed over for now, or that ended it. */
export function currentAttempt(job: Job): Attempt | undefined {
  return job.attempts.at(-1);
}

/** From 1: the attempt under way or to come. */
export function attemptNumber(job: Job): number {
  return Math.max(1, job.attempts.length);
}

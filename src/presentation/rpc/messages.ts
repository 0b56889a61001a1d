import type { JobStatus } from '../../domain/job/job';
import type { Progress } from '../../domain/job/progress';
import type { GenerationDto, OutputFileDto } from '../shared/generate/generation.dto';
import type { JobDto } from '../shared/jobs/job.dto';
import type { JobOutputDto } from '../shared/jobs/job-parts.dto';

/** What `generate` takes: the fields of `POST /generate`, and what its headers say. */
export interface GenerateCall {
  /** A workflow in ComfyUI's API format. */
  readonly prompt: unknown;
  /** Seconds to wait; then the error `timeout`, and the job goes on. Default: the service's. */
  readonly timeout?: number;
  /** Cancel the job when the caller unsubscribes before its end. */
  readonly cancelOnDisconnect?: boolean;
  /** Run what ComfyUI accepts of a workflow it accepts only in part. */
  readonly allowPartial?: boolean;
  /** Keep temporary files also where the run makes others. */
  readonly keepPreviews?: boolean;
  /** A word for the workflow, to find its files by; up to 100 characters. */
  readonly label?: string;
  /** -100..100; higher starts sooner. */
  readonly priority?: number;
  /** Only ComfyUI servers that carry all of these. */
  readonly labels?: readonly string[];
  /** What the links lead to instead of the images as they were made. */
  readonly output?: { readonly format: 'png' | 'jpeg' | 'webp'; readonly quality?: number };
  /** The same key within 24 hours is the same job, here and as the header `Idempotency-Key`. */
  readonly idempotencyKey?: string;
}

export interface JobProgressMessage extends Progress {
  readonly id: string;
  readonly status: JobStatus;
  readonly attempt: number;
  /** Since the job was submitted. */
  readonly elapsedMs: number;
}

interface ProgressEvent {
  readonly kind: 'progress';
  readonly progress: JobProgressMessage;
}

/**
 * What `generate` tells: `job` first, as soon as it is stored; `progress` on changes and at least once a second; `output`
 * when a file is ready; `result` at the end. What fails is an error of the stream.
 */
export type GenerationEvent =
  | { readonly kind: 'job'; readonly job: JobDto }
  | ProgressEvent
  | { readonly kind: 'output'; readonly output: OutputFileDto }
  | { readonly kind: 'result'; readonly result: GenerationDto };

/** What `jobs.events` tells: `job` first and when its status changes, and `end`, whatever the end is. */
export type JobStreamMessage =
  | { readonly kind: 'job' | 'end'; readonly job: JobDto }
  | ProgressEvent
  | { readonly kind: 'output'; readonly output: JobOutputDto };

/** By what a stream is known when its caller stops listening; any word of the caller's, mostly a UUID. */
export interface NamesStream {
  readonly stream?: string;
}

/** What a caller says who stopped listening. */
export interface UnsubscribeCall {
  readonly stream: string;
  /** The job of the stream, if it is to be canceled. */
  readonly cancel?: string;
}

export interface JobCall {
  readonly id: string;
}

/** All of these; none: the newest. */
export interface JobsCall {
  readonly status?: JobStatus | readonly JobStatus[];
  /** 1..200, default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

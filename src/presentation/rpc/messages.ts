import type { JobStatus } from '../../domain/job/job';
import type { GenerateDto } from '../shared/generate/generate.dto';
import type { GenerationDto, OutputFileDto } from '../shared/generate/generation.dto';
import type { JobProgressMessage } from '../shared/jobs/job-event-stream';
import type { JobDto } from '../shared/jobs/job.dto';
import type { JobOutputDto } from '../shared/jobs/job-parts.dto';

export type { JobProgressMessage } from '../shared/jobs/job-event-stream';

/** The message `generate`: the fields of `POST /generate`, and what its headers carry. Files come as links, never as bytes. @publicApi */
export interface GenerateCall extends Readonly<Omit<GenerateDto, 'response'>> {
  /** The same key within 24 hours is the same job, here and as the header `Idempotency-Key`. */
  readonly idempotencyKey?: string;
}

interface ProgressEvent {
  readonly kind: 'progress';
  readonly progress: JobProgressMessage;
}

/**
 * The stream of `generate`: `job` first, as soon as it is stored; `progress` on changes and at least once a second; `output`
 * when a file is ready; `result` at the end. A failure is an error of the stream.
 * @publicApi
 */
export type GenerationEvent =
  | { readonly kind: 'job'; readonly job: JobDto }
  | ProgressEvent
  | { readonly kind: 'output'; readonly output: OutputFileDto }
  | { readonly kind: 'result'; readonly result: GenerationDto };

/** The stream of `jobs.events`: `job` first and when its status changes, and `end`, also for a job that failed. @publicApi */
export type JobStreamMessage =
  | { readonly kind: 'job' | 'end'; readonly job: JobDto }
  | ProgressEvent
  | { readonly kind: 'output'; readonly output: JobOutputDto };

/** The event of a caller that unsubscribed from a stream. */
export interface UnsubscribeCall {
  /** The name that the caller gave to the stream; mostly a UUID. */
  readonly stream: string;
  /** The job of the stream, if it is to be canceled. */
  readonly cancel?: string;
}

/** All conditions hold; none: the newest. @publicApi */
export interface JobsCall {
  readonly status?: JobStatus | readonly JobStatus[];
  /** 1..200, default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

import type { Generation } from '../../../application/jobs/generation';
import type { JobService } from '../../../application/jobs/job.service';
import { attemptNumber, type Job, type JobStatus } from '../../../domain/job/job';
import type { JobEvent } from '../../../domain/job/job-event';
import type { Progress } from '../../../domain/job/progress';

/** Repeats the progress at least once a second; a timer of one second would be late. */
export const REPEAT_AFTER_MS = 800;

type Frames<Frame> = AsyncIterable<Frame> | Iterable<Frame>;

/** Turns the events of one job into the frames of one API. */
export interface JobEventFormatter<Frame> {
  event(event: JobEvent): Frames<Frame>;
  /** After the last event: the job has ended, or the signal is aborted. */
  end(): Frames<Frame>;
  /** Instead of the rest of the stream; rethrows what it does not format. Default: the stream fails. */
  failure?(error: unknown): Frames<Frame>;
}

/**
 * Streams the events of a job in the frames of one API, until the job ends or the signal is aborted. A slow reader skips
 * intermediate progress and previews.
 */
export async function* jobEventStream<Frame>(
  events: AsyncIterable<JobEvent>,
  formatter: JobEventFormatter<Frame>,
): AsyncGenerator<Frame, void, undefined> {
  try {
    for await (const event of events) yield* formatter.event(event);
    yield* formatter.end();
  } catch (error) {
    if (!formatter.failure) throw error;
    yield* formatter.failure(error);
  }
}

/** The events of a job for a caller that waits for its result, until the result, the time-out or the caller's end. */
export function generationStream<Frame>(
  jobs: JobService,
  { session, timeoutSeconds, signal }: Generation,
  formatter: JobEventFormatter<Frame>,
): AsyncGenerator<Frame, void, undefined> {
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
  const deadline = signal ? AbortSignal.any([timeout, signal]) : timeout;
  const options = { repeatAfterMs: REPEAT_AFTER_MS, signal: deadline, whenUnreachable: 'refuse' } as const;
  return jobEventStream(jobs.events(session, options), formatter);
}

/** The progress of a job for a caller that waits for its result. @publicApi */
export interface JobProgressMessage extends Progress {
  readonly id: string;
  readonly status: JobStatus;
  readonly attempt: number;
  /** Since the job was submitted. */
  readonly elapsedMs: number;
}

export function progressMessage(job: Job): JobProgressMessage {
  const elapsedMs = (job.endedAt ?? Date.now()) - job.queuedAt;
  return { id: job.id, status: job.status, attempt: attemptNumber(job), elapsedMs, ...job.progress };
}

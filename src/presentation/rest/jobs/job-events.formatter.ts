import type { JobService } from '../../../application/jobs/job.service';
import type { JobSession } from '../../../application/jobs/job-session';
import { attemptNumber, hasEnded, type Job } from '../../../domain/job/job';
import type { JobEvent } from '../../../domain/job/job-event';
import type { Preview } from '../../../domain/job/run-event';
import { type JobDto, toJobDto } from '../../shared/jobs/job.dto';
import { jobEventStream, type JobEventFormatter } from '../../shared/jobs/job-event-stream';
import { toJobOutputDto } from '../../shared/jobs/job-parts.dto';
import type { UrlBuilder } from '../../shared/url-builder';
import { eventText, KEEP_ALIVE, previewJson, retryText } from '../streaming/server-sent-event';

/** Viewers connect again while the service starts, which takes a moment. */
const RECONNECT_AFTER_MS = 3_000;

export interface WatchedJob {
  readonly session: JobSession;
  readonly jobs: Pick<JobService, 'view' | 'events'>;
  readonly urls: UrlBuilder;
  /** A change without an event restarts this pause. */
  readonly repeatAfterMs: number;
  /** Aborted when the viewer left or the service shuts down. */
  readonly signal: AbortSignal;
}

/** A job as server-sent events, until its end or the signal. */
export function jobEvents(watched: WatchedJob): AsyncGenerator<string, void, undefined> {
  const options = { repeatAfterMs: watched.repeatAfterMs, signal: watched.signal };
  return jobEventStream(watched.jobs.events(watched.session, options), new JobEventsFormatter(watched));
}

/**
 * `job` whole at first and when its status changes, `progress`, `preview` and `output` between, and `end` with the whole job
 * again. What the first `job` contains is not repeated.
 */
class JobEventsFormatter implements JobEventFormatter<string> {
  #first: Job | undefined;
  #last: Job | undefined;
  #preview: Preview | undefined;

  constructor(private readonly watched: WatchedJob) {}

  async *event(event: JobEvent): AsyncGenerator<string, void, undefined> {
    if (this.#first) yield* this.#change(event, this.#first.outputs);
    else yield* this.#begin(event.job);
    this.#last = event.job;
  }

  async *end(): AsyncGenerator<string, void, undefined> {
    const { job } = this.watched.session;
    yield hasEnded(job) ? eventText('end', await this.#whole(job), job.revision) : retryText(RECONNECT_AFTER_MS);
  }

  async *failure(error: unknown): AsyncGenerator<string, void, undefined> {
    if (!this.watched.signal.aborted) throw error;
    yield* this.end();
  }

  async *#begin(job: Job): AsyncGenerator<string, void, undefined> {
    const { preview } = this.watched.session;
    this.#first = job;
    this.#preview = preview;
    if (hasEnded(job)) return;
    const whole = await this.#whole(job);
    yield eventText('job', Object.assign(whole, { preview: preview && previewJson(preview) }), job.revision);
  }

  async *#change(event: JobEvent, known: Job['outputs']): AsyncGenerator<string, void, undefined> {
    const { kind, job } = event;
    if (kind === 'preview' && event.preview !== this.#preview)
      yield eventText('preview', previewJson(event.preview), job.revision);
    if (kind === 'output' && !known.includes(event.file))
      yield eventText('output', toJobOutputDto(event.file, this.watched.urls), job.revision);
    if (kind === 'status' && !hasEnded(job)) yield eventText('job', await this.#whole(job), job.revision);
    if (kind === 'progress')
      yield job === this.#last && job.status !== 'queued' ? KEEP_ALIVE : await this.#progress(job);
  }

  async #whole(job: Job): Promise<JobDto> {
    return toJobDto(await this.watched.jobs.view(job), this.watched.urls);
  }

  async #progress(job: Job): Promise<string> {
    const { id, status, progress } = job;
    const { queuePosition } = status === 'queued' ? await this.watched.jobs.view(job) : {};
    return eventText('progress', { id, status, attempt: attemptNumber(job), queuePosition, ...progress }, job.revision);
  }
}

import type { JobView } from '../../../application/jobs/job.service';
import type { JobSession } from '../../../application/jobs/job-session';
import { attemptNumber, hasEnded, type Job } from '../../../domain/job/job';
import type { JobEvent } from '../../../domain/job/job-event';
import type { Preview } from '../../../domain/job/run-event';
import type { UrlBuilder } from '../../shared/url-builder';
import { eventText, retryText, STILL_HERE } from '../streaming/event-text';
import type { JobDto } from '../../shared/jobs/job.dto';
import { jobJson, outputJson } from '../../shared/jobs/job-json';

/** A change that is not told starts the pause anew, so this is well below the 15 s in which a viewer is to hear something. */
const REPEAT_AFTER_MS = 5_000;

/** A viewer that is sent away comes back to a service that needs a moment to start. */
const COME_BACK_AFTER_MS = 3_000;

interface Viewing {
  readonly session: JobSession;
  readonly view: (job: Job) => Promise<JobView>;
  readonly urls: UrlBuilder;
  readonly signal: AbortSignal;
}

/**
 * A job as server-sent events, for as long as it goes on and the signal is not aborted: `job` whole at first and when its
 * status changes, `progress`, `preview` and `output` between, and `end` with the whole job again.
 */
export async function* jobEvents(viewing: Viewing): AsyncGenerator<string, void, undefined> {
  const { session, view, urls, signal } = viewing;
  const viewer = new Viewer(viewing);
  try {
    for await (const happening of session.events({ repeatAfterMs: REPEAT_AFTER_MS, signal }))
      yield* viewer.told(happening, session.preview);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { job } = session;
  yield hasEnded(job) ? eventText('end', jobJson(await view(job), urls), job.revision) : retryText(COME_BACK_AFTER_MS);
}

/** Knows what it told first, so that it is not told again. */
class Viewer {
  #first: Job | undefined;
  #last: Job | undefined;
  #preview: Preview | undefined;

  constructor(private readonly viewing: Viewing) {}

  async *told(happening: JobEvent, preview: Preview | undefined): AsyncGenerator<string, void, undefined> {
    if (this.#first) yield* this.#news(happening, this.#first.outputs);
    else yield* this.#begin(happening.job, preview);
    this.#last = happening.job;
  }

  async *#begin(job: Job, preview: Preview | undefined): AsyncGenerator<string, void, undefined> {
    this.#first = job;
    this.#preview = preview;
    if (hasEnded(job)) return;
    const whole = await this.#whole(job);
    yield eventText('job', Object.assign(whole, { preview: preview && previewJson(preview) }), job.revision);
  }

  async *#news(happening: JobEvent, known: Job['outputs']): AsyncGenerator<string, void, undefined> {
    const { kind, job } = happening;
    if (kind === 'preview' && happening.preview !== this.#preview)
      yield eventText('preview', previewJson(happening.preview), job.revision);
    if (kind === 'output' && !known.includes(happening.file))
      yield eventText('output', outputJson(happening.file, this.viewing.urls), job.revision);
    if (kind === 'status' && !hasEnded(job)) yield eventText('job', await this.#whole(job), job.revision);
    if (kind === 'progress')
      yield job === this.#last && job.status !== 'queued' ? STILL_HERE : await this.#progress(job);
  }

  async #whole(job: Job): Promise<JobDto> {
    return jobJson(await this.viewing.view(job), this.viewing.urls);
  }

  async #progress(job: Job): Promise<string> {
    const { id, status, progress } = job;
    const { queuePosition } = status === 'queued' ? await this.viewing.view(job) : {};
    return eventText('progress', { id, status, attempt: attemptNumber(job), queuePosition, ...progress }, job.revision);
  }
}

function previewJson({ nodeId, mediaType, image }: Preview): object {
  return { nodeId, mediaType, base64: image.toString('base64') };
}

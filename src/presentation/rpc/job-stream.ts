import type { JobView } from '../../application/jobs/job.service';
import type { JobSession } from '../../application/jobs/job-session';
import { hasEnded, type Job } from '../../domain/job/job';
import type { UrlBuilder } from '../shared/url-builder';
import { jobJson, outputJson } from '../shared/jobs/job-json';
import { progressOf, REPEAT_AFTER_MS } from './generation-stream';
import type { JobStreamMessage } from './messages';

interface Viewing {
  readonly session: JobSession;
  readonly view: (job: Job) => Promise<JobView>;
  readonly urls: UrlBuilder;
  /** Aborted when nobody listens any more, or nobody is to. */
  readonly signal: AbortSignal;
}

/** A job for who watches it, until its end or the signal. Of what it made, the first `job` tells what is there already. */
export async function* jobStream({
  session,
  view,
  urls,
  signal,
}: Viewing): AsyncGenerator<JobStreamMessage, void, undefined> {
  const whole = async (job: Job) => jobJson(await view(job), urls);
  let known: Job['outputs'] | undefined;
  for await (const happening of session.events({ repeatAfterMs: REPEAT_AFTER_MS, signal })) {
    const { kind, job } = happening;
    if (kind === 'status' && !hasEnded(job)) yield { kind: 'job', job: await whole(job) };
    if (kind === 'progress') yield { kind: 'progress', progress: progressOf(job) };
    known ??= job.outputs;
    if (kind === 'output' && !known.includes(happening.file))
      yield { kind: 'output', output: outputJson(happening.file, urls) };
  }
  if (hasEnded(session.job)) yield { kind: 'end', job: await whole(session.job) };
}

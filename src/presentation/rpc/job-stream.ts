import type { JobView } from '../../application/job.service';
import type { LiveJob } from '../../application/live-job';
import { hasEnded, type Job } from '../../domain/job/job';
import type { Addresses } from '../addresses';
import { jobJson, outputJson } from '../jobs/job-json';
import { progressOf, REPEAT_AFTER_MS } from './generation-stream';
import type { JobNews } from './messages';

interface Viewing {
  readonly live: LiveJob;
  readonly view: (job: Job) => Promise<JobView>;
  readonly addresses: Addresses;
  /** Aborted when nobody listens any more, or nobody is to. */
  readonly signal: AbortSignal;
}

/** A job for who watches it, until its end or the signal. Of what it made, the first `job` tells what is there already. */
export async function* jobStream({ live, view, addresses, signal }: Viewing): AsyncGenerator<JobNews, void, undefined> {
  const whole = async (job: Job) => jobJson(await view(job), addresses);
  let known: Job['outputs'] | undefined;
  for await (const happening of live.events({ repeatAfterMs: REPEAT_AFTER_MS, signal })) {
    const { kind, job } = happening;
    if (kind === 'status' && !hasEnded(job)) yield { kind: 'job', job: await whole(job) };
    if (kind === 'progress') yield { kind: 'progress', progress: progressOf(job) };
    known ??= job.outputs;
    if (kind === 'output' && !known.includes(happening.file))
      yield { kind: 'output', output: outputJson(happening.file, addresses) };
  }
  if (hasEnded(live.job)) yield { kind: 'end', job: await whole(live.job) };
}

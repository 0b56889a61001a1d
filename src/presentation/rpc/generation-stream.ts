import type { Delivery } from '../../application/assets/delivery';
import type { JobView } from '../../application/job.service';
import type { LiveJob } from '../../application/live-job';
import { attemptNumber, hasEnded, type Job } from '../../domain/job/job';
import type { JobEvent } from '../../domain/job/job-event';
import { generationAnswer, type Telling, toldFile } from '../generate/generation-answer';
import { fileSummary, generationSummary } from '../generate/generation-summary';
import { jobJson } from '../jobs/job-json';
import type { GenerationEvent, JobProgressNews } from './messages';

/** The progress is told at least once a second; a timer set for that would be late. */
export const REPEAT_AFTER_MS = 800;

interface Streaming {
  readonly live: LiveJob;
  readonly view: (job: Job) => Promise<JobView>;
  readonly delivery: Delivery;
  readonly telling: Telling;
  readonly timeoutSeconds: number;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
}

/**
 * A job for who waits for its result. Previews are left out: they are bytes.
 * @throws ComfyUIError the job's own error, or `timeout`, `shutting_down`, `backend_unreachable`: then it goes on
 */
export async function* generationStream(streaming: Streaming): AsyncGenerator<GenerationEvent, void, undefined> {
  const { live, view, delivery, telling, timeoutSeconds, signal } = streaming;
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutSeconds * 1000), signal]);
  yield { kind: 'job', job: jobJson(await view(live.job), telling.addresses) };
  for await (const happening of live.events({
    repeatAfterMs: REPEAT_AFTER_MS,
    signal: deadline,
    whenUnreachable: 'refuse',
  })) {
    if (happening.kind === 'output') yield await outputOf(happening, streaming);
    else if (happening.kind !== 'preview') yield { kind: 'progress', progress: progressOf(happening.job) };
  }
  if (signal.aborted) return;
  if (!hasEnded(live.job)) throw live.notInTime(timeoutSeconds);
  if (live.job.error) throw live.job.error;
  const answer = generationAnswer(live.job, await delivery.files(signal), telling);
  yield { kind: 'result', result: generationSummary(answer) };
}

async function outputOf(
  { file }: Extract<JobEvent, { kind: 'output' }>,
  { delivery, telling, signal }: Streaming,
): Promise<GenerationEvent> {
  return { kind: 'output', output: fileSummary(toldFile(await delivery.file(file, signal), telling)) };
}

export function progressOf(job: Job): JobProgressNews {
  const elapsedMs = (job.endedAt ?? Date.now()) - job.queuedAt;
  return { id: job.id, status: job.status, attempt: attemptNumber(job), elapsedMs, ...job.progress };
}

import type { FileDelivery } from '../../application/assets/file-delivery';
import type { JobView } from '../../application/jobs/job.service';
import type { JobSession } from '../../application/jobs/job-session';
import { attemptNumber, hasEnded, type Job } from '../../domain/job/job';
import type { JobEvent } from '../../domain/job/job-event';
import { generationAnswer, type ResponseContext, toldFile } from '../shared/generate/generation-answer';
import { fileSummary, generationSummary } from '../shared/generate/generation-summary';
import { jobJson } from '../shared/jobs/job-json';
import type { GenerationEvent, JobProgressMessage } from './messages';

/** The progress is told at least once a second; a timer set for that would be late. */
export const REPEAT_AFTER_MS = 800;

interface Streaming {
  readonly session: JobSession;
  readonly view: (job: Job) => Promise<JobView>;
  readonly delivery: FileDelivery;
  readonly context: ResponseContext;
  readonly timeoutSeconds: number;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
}

/**
 * A job for who waits for its result. Previews are left out: they are bytes.
 * @throws ComfyUIError the job's own error, or `timeout`, `shutting_down`, `backend_unreachable`: then it goes on
 */
export async function* generationStream(streaming: Streaming): AsyncGenerator<GenerationEvent, void, undefined> {
  const { session, view, delivery, context, timeoutSeconds, signal } = streaming;
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutSeconds * 1000), signal]);
  yield { kind: 'job', job: jobJson(await view(session.job), context.urls) };
  for await (const happening of session.events({
    repeatAfterMs: REPEAT_AFTER_MS,
    signal: deadline,
    whenUnreachable: 'refuse',
  })) {
    if (happening.kind === 'output') yield await outputOf(happening, streaming);
    else if (happening.kind !== 'preview') yield { kind: 'progress', progress: progressOf(happening.job) };
  }
  if (signal.aborted) return;
  if (!hasEnded(session.job)) throw session.notInTime(timeoutSeconds);
  if (session.job.error) throw session.job.error;
  const answer = generationAnswer(session.job, await delivery.files(signal), context);
  yield { kind: 'result', result: generationSummary(answer) };
}

async function outputOf(
  { file }: Extract<JobEvent, { kind: 'output' }>,
  { delivery, context, signal }: Streaming,
): Promise<GenerationEvent> {
  return { kind: 'output', output: fileSummary(toldFile(await delivery.file(file, signal), context)) };
}

export function progressOf(job: Job): JobProgressMessage {
  const elapsedMs = (job.endedAt ?? Date.now()) - job.queuedAt;
  return { id: job.id, status: job.status, attempt: attemptNumber(job), elapsedMs, ...job.progress };
}

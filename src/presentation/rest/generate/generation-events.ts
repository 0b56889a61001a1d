import { Logger } from '@nestjs/common';
import type { FileDelivery } from '../../../application/assets/file-delivery';
import type { JobSession } from '../../../application/jobs/job-session';
import { toComfyUIError } from '../../../domain/errors';
import { attemptNumber, type CollectedFile, hasEnded, type Job } from '../../../domain/job/job';
import type { JobEvent } from '../../../domain/job/job-event';
import { logFailure } from '../../shared/errors/log-failure';
import { toErrorBody } from '../../shared/errors/http-exceptions';
import { EVENT_END, eventHead, eventText } from '../streaming/event-text';
import { generationAnswer, type ResponseContext, toldFile } from '../../shared/generate/generation-answer';
import { fileJson, generationSummaryJson } from './generation-json';
import { type StreamedJson, write } from './streamed-json';

/** The progress is told at least once a second; a timer set for that would be late. */
const REPEAT_AFTER_MS = 800;

const logger = new Logger('GenerationEvents');

interface Streaming {
  readonly session: JobSession;
  readonly delivery: FileDelivery;
  readonly context: ResponseContext;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/** A job as server-sent events: `progress`, `preview`, `output`, and one `result` or `error` at the end. */
export async function* generationEvents({
  session,
  delivery,
  context,
  timeoutSeconds,
  signal,
}: Streaming): AsyncGenerator<string | Buffer, void, undefined> {
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutSeconds * 1000), signal]);
  const output = async (made: CollectedFile) => fileJson(toldFile(await delivery.file(made, signal), context));
  try {
    for await (const happening of session.events({
      repeatAfterMs: REPEAT_AFTER_MS,
      signal: deadline,
      whenUnreachable: 'refuse',
    })) {
      if (happening.kind === 'output') yield* event('output', await output(happening.file));
      else yield happeningText(happening);
    }
    if (!hasEnded(session.job)) throw session.notInTime(timeoutSeconds);
    if (session.job.error) throw session.job.error;
    const answer = generationAnswer(session.job, await delivery.files(signal), context);
    yield* event('result', generationSummaryJson(answer));
  } catch (thrown) {
    const error = toComfyUIError(thrown);
    logFailure(logger, error);
    yield eventText('error', toErrorBody(error));
  }
}

function happeningText(happening: Exclude<JobEvent, { kind: 'output' }>): string {
  if (happening.kind !== 'preview') return eventText('progress', progressOf(happening.job));
  const { nodeId, mediaType, image } = happening.preview;
  return eventText('preview', { nodeId, mediaType, base64: image.toString('base64') });
}

function progressOf(job: Job): object {
  const elapsedMs = (job.endedAt ?? Date.now()) - job.queuedAt;
  return { id: job.id, status: job.status, attempt: attemptNumber(job), elapsedMs, ...job.progress };
}

async function* event(name: string, data: StreamedJson): AsyncGenerator<string | Buffer, void, undefined> {
  yield eventHead(name);
  yield* write(data);
  yield EVENT_END;
}

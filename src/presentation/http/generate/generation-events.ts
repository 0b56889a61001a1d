import { Logger } from '@nestjs/common';
import { GeneratedFile } from '../../../application/generation-result';
import type { GenerationService } from '../../../application/generation.service';
import type { LiveJob } from '../../../application/live-job';
import { toComfyUIError } from '../../../domain/errors';
import { attemptNumber, type CollectedFile, hasEnded, type Job } from '../../../domain/job/job';
import type { JobEvent } from '../../../domain/job/job-event';
import { logFailure } from '../errors/log-failure';
import { toErrorBody } from '../errors/http-exceptions';
import { EVENT_END, eventHead, eventText } from '../streaming/event-text';
import { fileJson, generationSummaryJson } from './generation-json';
import { type StreamedJson, write } from './streamed-json';

/** The progress is told at least once a second; a timer set for that would be late. */
const REPEAT_AFTER_MS = 800;

const logger = new Logger('GenerationEvents');

/** A job as server-sent events: `progress`, `preview`, `output`, and one `result` or `error` at the end. */
export async function* generationEvents(
  generation: GenerationService,
  live: LiveJob,
  { timeoutSeconds, signal }: { timeoutSeconds: number; signal: AbortSignal },
): AsyncGenerator<string | Buffer, void, undefined> {
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutSeconds * 1000), signal]);
  const withoutBytes: CollectedFile[] = [];
  try {
    for await (const happening of live.events({ repeatAfterMs: REPEAT_AFTER_MS, signal: deadline })) {
      if (happening.kind !== 'output') yield happeningText(happening);
      else if (live.holdsBytesOf(happening.file)) yield* output(live, happening.file);
      else withoutBytes.push(happening.file);
    }
    if (!hasEnded(live.job)) throw live.notInTime(timeoutSeconds);
    const result = await generation.result(live, { signal });
    for (const file of withoutBytes) if (live.holdsBytesOf(file)) yield* output(live, file);
    yield* event('result', generationSummaryJson(result));
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

function output(live: LiveJob, file: CollectedFile): AsyncGenerator<string | Buffer, void, undefined> {
  return event('output', fileJson(new GeneratedFile(file, live.bytesOf(file))));
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

import { Logger } from '@nestjs/common';
import { GeneratedFile } from '../../../application/generation-result';
import type { GenerationService } from '../../../application/generation.service';
import type { LiveJob } from '../../../application/live-job';
import { toComfyUIError } from '../../../domain/errors';
import { hasEnded, type Job, type JobEvent } from '../../../domain/job/job';
import { logFailure } from '../errors/log-failure';
import { toErrorBody } from '../errors/http-exceptions';
import { fileJson, generationSummaryJson } from './generation-json';
import { json, type StreamedJson, write } from './streamed-json';

/** The progress is told at least once a second; a timer set for that would be late. */
const REPEAT_AFTER_MS = 800;

const logger = new Logger('GenerationEvents');

/** A job as server-sent events: `progress`, `preview`, `output`, and one `result` or `error` at the end. */
export async function* generationEvents(
  generation: GenerationService,
  live: LiveJob,
  timeoutSeconds: number,
): AsyncGenerator<string, void, undefined> {
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  try {
    for await (const happening of live.events({ repeatAfterMs: REPEAT_AFTER_MS, signal: deadline }))
      yield* told(happening, live);
    if (!hasEnded(live.job)) throw live.notInTime(timeoutSeconds);
    yield* event('result', generationSummaryJson(await generation.result(live)));
  } catch (thrown) {
    const error = toComfyUIError(thrown);
    logFailure(logger, error);
    yield* event('error', json(toErrorBody(error)));
  }
}

async function* told(happening: JobEvent, live: LiveJob): AsyncGenerator<string, void, undefined> {
  switch (happening.kind) {
    case 'preview': {
      const { nodeId, mediaType, image } = happening.preview;
      yield* event('preview', json({ nodeId, mediaType, base64: image.toString('base64') }));
      break;
    }
    case 'output':
      yield* event('output', fileJson(new GeneratedFile(happening.file, live.bytesOf(happening.file))));
      break;
    default:
      yield* event('progress', json(progressOf(happening.job)));
  }
}

function progressOf(job: Job): object {
  const elapsedMs = (job.endedAt ?? Date.now()) - job.createdAt;
  return { id: job.id, status: job.status, attempt: job.attempt, elapsedMs, ...job.progress };
}

async function* event(name: string, data: StreamedJson): AsyncGenerator<string, void, undefined> {
  yield `event: ${name}\ndata: `;
  yield* write(data);
  yield '\n\n';
}

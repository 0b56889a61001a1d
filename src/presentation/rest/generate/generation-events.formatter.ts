import { Logger } from '@nestjs/common';
import type { Generation } from '../../../application/jobs/generation';
import { toComfyUIError } from '../../../domain/errors';
import type { JobEvent } from '../../../domain/job/job-event';
import { toErrorBody } from '../../shared/errors/http-exceptions';
import { logFailure } from '../../shared/errors/log-failure';
import type { ResponseContext } from '../../shared/generate/response-context';
import { type JobEventFormatter, progressMessage } from '../../shared/jobs/job-event-stream';
import { EVENT_END, eventHead, eventText, previewJson } from '../streaming/server-sent-event';
import { type StreamedJson, write } from '../streaming/streamed-json';
import { fileJson, generationSummaryJson } from './generation-json';

const logger = new Logger('GenerationEvents');

type Frame = string | Buffer;

/** `progress`, `preview`, `output` with the bytes, and one `result` or `error` at the end. */
export class GenerationEventsFormatter implements JobEventFormatter<Frame> {
  constructor(
    private readonly generation: Generation,
    private readonly context: ResponseContext,
  ) {}

  async *event(event: JobEvent): AsyncGenerator<Frame, void, undefined> {
    if (event.kind === 'output')
      yield* streamed('output', fileJson(await this.generation.file(event.file), this.context));
    else if (event.kind === 'preview') yield eventText('preview', previewJson(event.preview));
    else yield eventText('progress', progressMessage(event.job));
  }

  async *end(): AsyncGenerator<Frame, void, undefined> {
    yield* streamed('result', generationSummaryJson(await this.generation.collect(), this.context));
  }

  *failure(thrown: unknown): Generator<Frame, void, undefined> {
    const error = toComfyUIError(thrown);
    logFailure(logger, error);
    yield eventText('error', toErrorBody(error));
  }
}

async function* streamed(name: string, data: StreamedJson): AsyncGenerator<Frame, void, undefined> {
  yield eventHead(name);
  yield* write(data);
  yield EVENT_END;
}

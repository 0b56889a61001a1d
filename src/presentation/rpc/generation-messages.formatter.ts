import type { Generation } from '../../application/jobs/generation';
import type { JobEvent } from '../../domain/job/job-event';
import { toGenerationDto, toOutputFileDto } from '../shared/generate/generation.dto';
import type { ResponseContext } from '../shared/generate/response-context';
import { type JobEventFormatter, progressMessage } from '../shared/jobs/job-event-stream';
import type { GenerationEvent } from './messages';

/** `progress`, `output` and `result` without bytes; previews are left out, because they are bytes. */
export class GenerationMessagesFormatter implements JobEventFormatter<GenerationEvent> {
  constructor(
    private readonly generation: Generation,
    private readonly context: ResponseContext,
  ) {}

  async *event(event: JobEvent): AsyncGenerator<GenerationEvent, void, undefined> {
    if (event.kind === 'output')
      yield { kind: 'output', output: toOutputFileDto(await this.generation.file(event.file), this.context) };
    else if (event.kind !== 'preview') yield { kind: 'progress', progress: progressMessage(event.job) };
  }

  async *end(): AsyncGenerator<GenerationEvent, void, undefined> {
    if (this.generation.signal?.aborted) return;
    yield { kind: 'result', result: toGenerationDto(await this.generation.collect(), this.context) };
  }
}

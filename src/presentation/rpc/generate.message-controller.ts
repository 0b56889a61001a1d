import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { GenerationService } from '../../application/jobs/generation.service';
import { JobService } from '../../application/jobs/job.service';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { type GenerateBody, GenerateBodyPipe } from '../shared/generate/generate-body.pipe';
import { generationRequest } from '../shared/generate/generation-request';
import { IdempotencyKeyPipe } from '../shared/generate/idempotency-key.pipe';
import { cancelAbandoned } from '../shared/jobs/cancel-abandoned';
import { generationStream } from '../shared/jobs/job-event-stream';
import { toJobDto } from '../shared/jobs/job.dto';
import { UrlBuilder } from '../shared/url-builder';
import { GenerationMessagesFormatter } from './generation-messages.formatter';
import type { GenerationEvent } from './messages';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';
import { streamOf } from './stream-of';
import { StreamSubscriptions } from './stream-subscriptions';

@Controller()
@UseFilters(RpcExceptionFilter)
export class GenerateMessageController {
  constructor(
    private readonly generation: GenerationService,
    private readonly jobs: JobService,
    private readonly subscriptions: StreamSubscriptions,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @MessagePattern(PATTERNS.generate)
  generate(
    @Payload(GenerateBodyPipe) body: GenerateBody,
    @Payload('idempotencyKey', IdempotencyKeyPipe) idempotencyKey: string | undefined,
    @Payload('stream') stream: unknown,
    @Ctx() context: object,
  ): Observable<GenerationEvent> {
    const subscription = this.subscriptions.add(context, stream);
    return streamOf(context, subscription, (signal) => this.#events(body, idempotencyKey, signal));
  }

  async *#events(
    body: GenerateBody,
    idempotencyKey: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const whenUnreachable = 'refuse';
    const session = await this.generation.submit(generationRequest(body, { idempotencyKey, whenUnreachable }));
    const { output: transform, timeout: timeoutSeconds = this.options.generateTimeout } = body;
    const delivery = { withBytes: false, withLinks: true, transform };
    const generation = this.generation.attach(session, { ...delivery, timeoutSeconds, signal, whenUnreachable });
    const context = { urls: new UrlBuilder({ url: '/' }, this.options.publicUrl), transform };
    try {
      yield { kind: 'job', job: toJobDto(await this.jobs.view(session.job), context.urls) };
      yield* generationStream(this.jobs, generation, new GenerationMessagesFormatter(generation, context));
    } finally {
      if (signal.aborted && body.cancelOnDisconnect) await cancelAbandoned(this.jobs, session.job.id);
      generation.end();
    }
  }
}

import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { FileDeliveries } from '../../application/assets/file-deliveries';
import { GenerationService } from '../../application/jobs/generation.service';
import { JobService } from '../../application/jobs/job.service';
import type { JobSession } from '../../application/jobs/job-session';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import type { Job } from '../../domain/job/job';
import { UrlBuilder } from '../shared/url-builder';
import { generationRequest } from '../shared/generate/generation-request';
import { type CheckedGenerateCall, GenerateCallPipe } from './calls.pipe';
import { StreamSubscriptions } from './stream-subscriptions';
import { generationStream } from './generation-stream';
import type { GenerationEvent } from './messages';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';
import { streamOf } from './stream-of';

@Controller()
@UseFilters(RpcExceptionFilter)
export class GenerateMessageController {
  constructor(
    private readonly generation: GenerationService,
    private readonly jobs: JobService,
    private readonly deliveries: FileDeliveries,
    private readonly subscriptions: StreamSubscriptions,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @MessagePattern(PATTERNS.generate)
  generate(@Payload(GenerateCallPipe) call: CheckedGenerateCall, @Ctx() context: object): Observable<GenerationEvent> {
    return streamOf(context, this.subscriptions.listens(context, call.stream), (signal) => this.#events(call, signal));
  }

  async *#events(call: CheckedGenerateCall, signal: AbortSignal): AsyncGenerator<GenerationEvent, void, undefined> {
    const { body, idempotencyKey } = call;
    const session = await this.generation.submit(
      generationRequest(body, { idempotencyKey, whenUnreachable: 'refuse' }),
    );
    try {
      yield* this.#told(session, call, signal);
    } finally {
      if (signal.aborted && body.cancelOnDisconnect) await this.subscriptions.cancel(session.job.id);
      session.release();
    }
  }

  async *#told(
    session: JobSession,
    { body }: CheckedGenerateCall,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const { output, timeout: timeoutSeconds = this.options.generateTimeout } = body;
    const delivery = this.deliveries.begin(session, { withBytes: false, picture: output });
    const context = { urls: new UrlBuilder({ url: '/' }, this.options.publicUrl), output };
    const view = (job: Job) => this.jobs.view(job);
    try {
      yield* generationStream({ session, view, delivery, context, timeoutSeconds, signal });
    } finally {
      delivery.end();
    }
  }
}

import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { Deliveries } from '../../application/assets/deliveries';
import { GenerationService } from '../../application/generation.service';
import { JobService } from '../../application/job.service';
import type { LiveJob } from '../../application/live-job';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../comfyui.options';
import type { Job } from '../../domain/job/job';
import { Addresses } from '../addresses';
import { generationRequest } from '../generate/generation-request';
import { type CheckedGenerateCall, GenerateCallPipe } from './calls.pipe';
import { Callers } from './callers';
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
    private readonly deliveries: Deliveries,
    private readonly callers: Callers,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
  ) {}

  @MessagePattern(PATTERNS.generate)
  generate(@Payload(GenerateCallPipe) call: CheckedGenerateCall, @Ctx() context: object): Observable<GenerationEvent> {
    return streamOf(context, this.callers.listens(context, call.stream), (signal) => this.#events(call, signal));
  }

  async *#events(call: CheckedGenerateCall, signal: AbortSignal): AsyncGenerator<GenerationEvent, void, undefined> {
    const { body, idempotencyKey } = call;
    const live = await this.generation.submit(generationRequest(body, { idempotencyKey, whenUnreachable: 'refuse' }));
    try {
      yield* this.#told(live, call, signal);
    } finally {
      if (signal.aborted && body.cancelOnDisconnect) await this.callers.cancel(live.job.id);
      live.release();
    }
  }

  async *#told(
    live: LiveJob,
    { body }: CheckedGenerateCall,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const { output, timeout: timeoutSeconds = this.options.generateTimeout } = body;
    const delivery = this.deliveries.begin(live, { withBytes: false, picture: output });
    const telling = { addresses: new Addresses({ url: '/' }, this.options.publicUrl), output };
    const view = (job: Job) => this.jobs.view(job);
    try {
      yield* generationStream({ live, view, delivery, telling, timeoutSeconds, signal });
    } finally {
      delivery.end();
    }
  }
}

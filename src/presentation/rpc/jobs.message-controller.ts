import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import type { JobQuery } from '../../application/jobs/job-repository';
import { JobService } from '../../application/jobs/job.service';
import { ShutdownState, shuttingDown } from '../../application/maintenance/shutdown-state';
import { hasEnded } from '../../domain/job/job';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { cancelAbandoned } from '../shared/jobs/cancel-abandoned';
import { jobEventStream, REPEAT_AFTER_MS } from '../shared/jobs/job-event-stream';
import { JobQueryDto } from '../shared/jobs/job-query.dto';
import { type JobDto, type JobPageDto, toJobDto, toJobPageDto } from '../shared/jobs/job.dto';
import { UrlBuilder } from '../shared/url-builder';
import { DtoPipe } from '../shared/validation/dto.pipe';
import { UuidPipe } from '../shared/validation/uuid.pipe';
import { JobMessagesFormatter } from './job-messages.formatter';
import type { JobStreamMessage, UnsubscribeCall } from './messages';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';
import { streamOf } from './stream-of';
import { StreamSubscriptions } from './stream-subscriptions';
import { UnsubscribeDto } from './unsubscribe.dto';

/** Broadcast, not load-balanced: any replica may serve the stream. NATS delivers to one member of a queue group. */
const BROADCAST = { queue: '' };

const JOB_ID = new UuidPipe('job');
const JOB_QUERY = new DtoPipe(JobQueryDto);
const UNSUBSCRIBE = new DtoPipe(UnsubscribeDto);

@Controller()
@UseFilters(RpcExceptionFilter)
export class JobsMessageController {
  readonly #urls: UrlBuilder;

  constructor(
    private readonly jobs: JobService,
    private readonly subscriptions: StreamSubscriptions,
    private readonly shutdownState: ShutdownState,
    @Inject(RESOLVED_OPTIONS) { publicUrl }: ResolvedComfyUIOptions,
  ) {
    this.#urls = new UrlBuilder({ url: '/' }, publicUrl);
  }

  @MessagePattern(PATTERNS.job)
  async find(@Payload('id', JOB_ID) id: string): Promise<JobDto> {
    this.shutdownState.refuseNew();
    return toJobDto(await this.jobs.find(id), this.#urls);
  }

  @MessagePattern(PATTERNS.jobs)
  async list(@Payload(JOB_QUERY) query: JobQuery): Promise<JobPageDto> {
    this.shutdownState.refuseNew();
    return toJobPageDto(await this.jobs.list(query), this.#urls);
  }

  @MessagePattern(PATTERNS.cancel)
  async cancel(@Payload('id', JOB_ID) id: string): Promise<JobDto> {
    this.shutdownState.refuseNew();
    return toJobDto(await this.jobs.cancel(id), this.#urls);
  }

  @MessagePattern(PATTERNS.events)
  events(
    @Payload('id', JOB_ID) id: string,
    @Payload('stream') stream: unknown,
    @Ctx() context: object,
  ): Observable<JobStreamMessage> {
    return streamOf(context, this.subscriptions.add(context, stream), (signal) => this.#events(id, signal));
  }

  @EventPattern(PATTERNS.unsubscribe, BROADCAST)
  async unsubscribe(@Payload(UNSUBSCRIBE) { stream, cancel }: UnsubscribeCall): Promise<void> {
    this.subscriptions.abort(stream);
    if (cancel !== undefined) await cancelAbandoned(this.jobs, cancel);
  }

  async *#events(id: string, unsubscribed: AbortSignal): AsyncGenerator<JobStreamMessage, void, undefined> {
    this.shutdownState.refuseNew();
    const session = await this.jobs.watch(id);
    const signal = AbortSignal.any([this.shutdownState.signal, unsubscribed]);
    const formatter = new JobMessagesFormatter(session, this.jobs, this.#urls);
    try {
      const events = this.jobs.events(session, { repeatAfterMs: REPEAT_AFTER_MS, signal });
      yield* jobEventStream(events, formatter);
      if (!hasEnded(session.job) && this.shutdownState.hasBegun) throw shuttingDown(id);
    } finally {
      session.release();
    }
  }
}

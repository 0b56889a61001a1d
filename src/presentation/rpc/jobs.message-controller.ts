import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { ShutdownState, shuttingDown } from '../../application/maintenance/shutdown-state';
import { JobService } from '../../application/jobs/job.service';
import type { JobQuery } from '../../application/jobs/job-repository';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { hasEnded, type Job } from '../../domain/job/job';
import { UrlBuilder } from '../shared/url-builder';
import type { JobDto, JobPageDto } from '../shared/jobs/job.dto';
import { UuidPipe } from '../shared/uuid.pipe';
import { jobJson } from '../shared/jobs/job-json';
import { JobsCallPipe, StreamNamePipe, UnsubscribeCallPipe } from './calls.pipe';
import { StreamSubscriptions } from './stream-subscriptions';
import { jobStream } from './job-stream';
import type { JobStreamMessage, UnsubscribeCall } from './messages';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';
import { streamOf } from './stream-of';

/** Of a queue group of NATS each member is to hear it: who serves the stream is not known. */
const TO_EVERYBODY = { queue: '' };

const JOB_ID = new UuidPipe('job');

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
    return jobJson(await this.jobs.find(id), this.#urls);
  }

  @MessagePattern(PATTERNS.jobs)
  async list(@Payload(JobsCallPipe) query: JobQuery): Promise<JobPageDto> {
    this.shutdownState.refuseNew();
    const { jobs, next } = await this.jobs.list(query);
    return { jobs: jobs.map((view) => jobJson(view, this.#urls)), next };
  }

  @MessagePattern(PATTERNS.cancel)
  async cancel(@Payload('id', JOB_ID) id: string): Promise<JobDto> {
    this.shutdownState.refuseNew();
    return jobJson(await this.jobs.cancel(id), this.#urls);
  }

  @MessagePattern(PATTERNS.events)
  events(
    @Payload('id', JOB_ID) id: string,
    @Payload('stream', StreamNamePipe) stream: string | undefined,
    @Ctx() context: object,
  ): Observable<JobStreamMessage> {
    return streamOf(context, this.subscriptions.listens(context, stream), (gone) => this.#news(id, gone));
  }

  @EventPattern(PATTERNS.unsubscribe, TO_EVERYBODY)
  async unsubscribe(@Payload(UnsubscribeCallPipe) { stream, cancel }: UnsubscribeCall): Promise<void> {
    this.subscriptions.left(stream);
    if (cancel !== undefined) await this.subscriptions.cancel(cancel);
  }

  async *#news(id: string, gone: AbortSignal): AsyncGenerator<JobStreamMessage, void, undefined> {
    this.shutdownState.refuseNew();
    const session = await this.jobs.watch(id);
    const signal = AbortSignal.any([this.shutdownState.signal, gone]);
    try {
      yield* jobStream({ session, view: (job: Job) => this.jobs.view(job), urls: this.#urls, signal });
      if (!hasEnded(session.job) && this.shutdownState.hasBegun) throw shuttingDown(id);
    } finally {
      session.release();
    }
  }
}

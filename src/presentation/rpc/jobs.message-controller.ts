import { Controller, Inject, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { Draining, shuttingDown } from '../../application/draining';
import { JobService } from '../../application/job.service';
import type { JobQuery } from '../../application/ports/job-store';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../comfyui.options';
import { hasEnded, type Job } from '../../domain/job/job';
import { Addresses } from '../addresses';
import type { JobDto, JobPageDto } from '../jobs/job.dto';
import { UuidPipe } from '../uuid.pipe';
import { jobJson } from '../jobs/job-json';
import { JobsCallPipe, StreamNamePipe, UnsubscribeCallPipe } from './calls.pipe';
import { Callers } from './callers';
import { jobStream } from './job-stream';
import type { JobNews, UnsubscribeCall } from './messages';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';
import { streamOf } from './stream-of';

/** Of a queue group of NATS each member is to hear it: who serves the stream is not known. */
const TO_EVERYBODY = { queue: '' };

const JOB_ID = new UuidPipe('job');

@Controller()
@UseFilters(RpcExceptionFilter)
export class JobsMessageController {
  readonly #addresses: Addresses;

  constructor(
    private readonly jobs: JobService,
    private readonly callers: Callers,
    private readonly draining: Draining,
    @Inject(RESOLVED_OPTIONS) { publicUrl }: ResolvedComfyUIOptions,
  ) {
    this.#addresses = new Addresses({ url: '/' }, publicUrl);
  }

  @MessagePattern(PATTERNS.job)
  async find(@Payload('id', JOB_ID) id: string): Promise<JobDto> {
    this.draining.refuseNew();
    return jobJson(await this.jobs.find(id), this.#addresses);
  }

  @MessagePattern(PATTERNS.jobs)
  async list(@Payload(JobsCallPipe) query: JobQuery): Promise<JobPageDto> {
    this.draining.refuseNew();
    const { jobs, next } = await this.jobs.list(query);
    return { jobs: jobs.map((view) => jobJson(view, this.#addresses)), next };
  }

  @MessagePattern(PATTERNS.cancel)
  async cancel(@Payload('id', JOB_ID) id: string): Promise<JobDto> {
    this.draining.refuseNew();
    return jobJson(await this.jobs.cancel(id), this.#addresses);
  }

  @MessagePattern(PATTERNS.events)
  events(
    @Payload('id', JOB_ID) id: string,
    @Payload('stream', StreamNamePipe) stream: string | undefined,
    @Ctx() context: object,
  ): Observable<JobNews> {
    return streamOf(context, this.callers.listens(context, stream), (gone) => this.#news(id, gone));
  }

  @EventPattern(PATTERNS.unsubscribe, TO_EVERYBODY)
  async unsubscribe(@Payload(UnsubscribeCallPipe) { stream, cancel }: UnsubscribeCall): Promise<void> {
    this.callers.left(stream);
    if (cancel !== undefined) await this.callers.cancel(cancel);
  }

  async *#news(id: string, gone: AbortSignal): AsyncGenerator<JobNews, void, undefined> {
    this.draining.refuseNew();
    const live = await this.jobs.watch(id);
    const signal = AbortSignal.any([this.draining.signal, gone]);
    try {
      yield* jobStream({ live, view: (job: Job) => this.jobs.view(job), addresses: this.#addresses, signal });
      if (!hasEnded(live.job) && this.draining.hasBegun) throw shuttingDown(id);
    } finally {
      live.release();
    }
  }
}

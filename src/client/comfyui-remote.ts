import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type ClientProxy, ClientRMQ, RmqRecordBuilder } from '@nestjs/microservices';
import {
  catchError,
  defer,
  filter,
  finalize,
  firstValueFrom,
  lastValueFrom,
  type Observable,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import type { BackendStatus } from '../domain/backend';
import type { GenerationDto } from '../presentation/shared/generate/generation.dto';
import type { JobDto, JobPageDto } from '../presentation/shared/jobs/job.dto';
import type { QueuedPromptDto } from '../presentation/shared/comfyui/workflow.dto';
import type {
  GenerateCall,
  GenerationEvent,
  JobStreamMessage,
  JobsCall,
  UnsubscribeCall,
} from '../presentation/rpc/messages';
import { PATTERNS } from '../presentation/rpc/patterns';
import { type ComfyUIClientOptions, DEFAULT_SILENCE_SECONDS } from './client-options';
import { serviceSilent, toRemoteError } from './remote-errors';
import { sendable } from './sendable';

export interface RemoteStatus {
  /** Whether at least one ComfyUI server answers. */
  readonly reachable: boolean;
  readonly backends: readonly BackendStatus[];
}

/** The ids that events of a stream have told. */
interface Heard {
  jobId?: string;
  isOver: boolean;
}

/**
 * The service, from another one. Every error is a `ComfyUIError` with the code the service gave it; `service_unreachable`
 * when it is not there, did not answer or broke off: with a `jobId` the job is stored and goes on by itself.
 */
@Injectable()
export class ComfyUIRemote implements OnApplicationShutdown {
  readonly #silenceMs: number;

  constructor(
    private readonly proxy: ClientProxy,
    { silence = DEFAULT_SILENCE_SECONDS }: Pick<ComfyUIClientOptions, 'silence'>,
  ) {
    this.#silenceMs = silence * 1000;
  }

  /** How the ComfyUI servers are, as `GET /comfyui/status`. */
  async status(): Promise<RemoteStatus> {
    return (await this.#answer<{ data: RemoteStatus }>(PATTERNS.status, {})).data;
  }

  /** Hands a workflow over, as `POST /comfyui/workflow`: nobody waits for its run. */
  async workflow(workflow: unknown): Promise<QueuedPromptDto> {
    return (await this.#answer<{ data: QueuedPromptDto }>(PATTERNS.workflow, { prompt: workflow })).data;
  }

  /**
   * Runs a workflow and tells how it goes; begins when subscribed to, and anew with each subscription. Who unsubscribes is
   * told no more; the job goes on, unless the call says `cancelOnDisconnect`.
   */
  generate(call: GenerateCall): Observable<GenerationEvent> {
    return this.#stream<GenerationEvent>(PATTERNS.generate, call, call.cancelOnDisconnect === true);
  }

  /** Runs a workflow and waits for what it makes. */
  async result(call: GenerateCall): Promise<GenerationDto> {
    const isResult = (event: GenerationEvent) => event.kind === 'result';
    return (await lastValueFrom(this.generate(call).pipe(filter(isResult)))).result;
  }

  /** @throws ComfyUIError `not_found` */
  job(id: string): Promise<JobDto> {
    return this.#answer(PATTERNS.job, { id });
  }

  /** Newest first. */
  jobs(query: JobsCall = {}): Promise<JobPageDto> {
    return this.#answer(PATTERNS.jobs, query);
  }

  /** Cancels exactly this job, and answers how it is now. @throws ComfyUIError `not_found` */
  cancel(id: string): Promise<JobDto> {
    return this.#answer(PATTERNS.cancel, { id });
  }

  /** Tells how a job goes, until its end. */
  events(id: string): Observable<JobStreamMessage> {
    return this.#stream<JobStreamMessage>(PATTERNS.events, { id }, false);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.proxy.close();
  }

  #answer<T>(pattern: string, call: object): Promise<T> {
    return firstValueFrom(this.#send<T>(pattern, call, { isOver: false }));
  }

  #stream<T extends GenerationEvent | JobStreamMessage>(
    pattern: string,
    call: object,
    cancels: boolean,
  ): Observable<T> {
    return defer(() => {
      const stream = randomUUID();
      const heard: Heard = { isOver: false };
      return this.#send<T>(pattern, { ...call, stream }, heard).pipe(
        tap((event) => {
          if (event.kind === 'job') heard.jobId = event.job.id;
        }),
        tap({ complete: () => (heard.isOver = true), error: () => (heard.isOver = true) }),
        finalize(() => {
          if (!heard.isOver) this.#leave({ stream, cancel: cancels ? heard.jobId : undefined });
        }),
      );
    });
  }

  #send<T>(pattern: string, call: object, heard: Heard): Observable<T> {
    return defer(() => this.proxy.send<T>(pattern, this.#packed(call))).pipe(
      timeout({ each: this.#silenceMs, with: () => throwError(() => serviceSilent(this.#silenceMs)) }),
      catchError((error: unknown) => throwError(() => toRemoteError(error, heard.jobId))),
    );
  }

  /** RabbitMQ would keep what nobody takes, for a service that comes when the caller has gone. */
  #packed(call: object): unknown {
    const message = sendable(call);
    if (!(this.proxy instanceof ClientRMQ)) return message;
    return new RmqRecordBuilder(message).setOptions({ expiration: String(Math.ceil(this.#silenceMs)) }).build();
  }

  /** Nobody is left who could be told that it failed. */
  #leave(call: UnsubscribeCall): void {
    this.proxy.emit(PATTERNS.unsubscribe, this.#packed(call)).subscribe({ error: () => undefined });
  }
}

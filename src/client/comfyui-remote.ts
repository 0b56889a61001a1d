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

/** The state of the ComfyUI servers. @publicApi */
export interface RemoteStatus {
  /** Whether at least one ComfyUI server is reachable. */
  readonly reachable: boolean;
  readonly backends: readonly BackendStatus[];
}

/** What is known from the events of a stream. */
interface StreamState {
  jobId?: string;
  isOver: boolean;
}

/**
 * The client of the service. Every error is a `ComfyUIError` with the code of the service, or `service_unreachable` where no
 * response arrived or a stream broke off: with a `jobId`, the job is stored and goes on without the caller.
 * @publicApi
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

  /** The state of the ComfyUI servers, as `GET /comfyui/status`. */
  async status(): Promise<RemoteStatus> {
    return (await this.#call<{ data: RemoteStatus }>(PATTERNS.status, {})).data;
  }

  /** Submits a workflow without waiting for its run, as `POST /comfyui/workflow`. */
  async workflow(workflow: unknown): Promise<QueuedPromptDto> {
    return (await this.#call<{ data: QueuedPromptDto }>(PATTERNS.workflow, { prompt: workflow })).data;
  }

  /**
   * Runs a workflow and emits its events; each subscription starts a run of its own. After an unsubscription the job goes on,
   * unless the call has `cancelOnDisconnect`.
   */
  generate(call: GenerateCall): Observable<GenerationEvent> {
    return this.#stream<GenerationEvent>(PATTERNS.generate, call, call.cancelOnDisconnect === true);
  }

  /** Runs a workflow and waits for its result. */
  async result(call: GenerateCall): Promise<GenerationDto> {
    const isResult = (event: GenerationEvent) => event.kind === 'result';
    return (await lastValueFrom(this.generate(call).pipe(filter(isResult)))).result;
  }

  /** @throws ComfyUIError `not_found` */
  job(id: string): Promise<JobDto> {
    return this.#call(PATTERNS.job, { id });
  }

  /** Newest first. */
  jobs(query: JobsCall = {}): Promise<JobPageDto> {
    return this.#call(PATTERNS.jobs, query);
  }

  /** Cancels exactly this job, and returns its state. @throws ComfyUIError `not_found` */
  cancel(id: string): Promise<JobDto> {
    return this.#call(PATTERNS.cancel, { id });
  }

  /** The events of a job, until its end. */
  events(id: string): Observable<JobStreamMessage> {
    return this.#stream<JobStreamMessage>(PATTERNS.events, { id }, false);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.proxy.close();
  }

  #call<T>(pattern: string, call: object): Promise<T> {
    return firstValueFrom(this.#send<T>(pattern, call, { isOver: false }));
  }

  #stream<T extends GenerationEvent | JobStreamMessage>(
    pattern: string,
    call: object,
    cancels: boolean,
  ): Observable<T> {
    return defer(() => {
      const stream = randomUUID();
      const state: StreamState = { isOver: false };
      return this.#send<T>(pattern, { ...call, stream }, state).pipe(
        tap((event) => {
          if (event.kind === 'job') state.jobId = event.job.id;
        }),
        tap({ complete: () => (state.isOver = true), error: () => (state.isOver = true) }),
        finalize(() => {
          if (!state.isOver) this.#unsubscribe({ stream, cancel: cancels ? state.jobId : undefined });
        }),
      );
    });
  }

  #send<T>(pattern: string, call: object, state: StreamState): Observable<T> {
    return defer(() => this.proxy.send<T>(pattern, this.#packet(call))).pipe(
      timeout({ each: this.#silenceMs, with: () => throwError(() => serviceSilent(this.#silenceMs)) }),
      catchError((error: unknown) => throwError(() => toRemoteError(error, state.jobId))),
    );
  }

  /** RabbitMQ would keep an unread call for a service that starts after the caller's time-out. */
  #packet(call: object): unknown {
    const message = sendable(call);
    if (!(this.proxy instanceof ClientRMQ)) return message;
    return new RmqRecordBuilder(message).setOptions({ expiration: String(Math.ceil(this.#silenceMs)) }).build();
  }

  /** Errors are ignored: the subscriber has left. */
  #unsubscribe(call: UnsubscribeCall): void {
    this.proxy.emit(PATTERNS.unsubscribe, this.#packet(call)).subscribe({ error: () => undefined });
  }
}

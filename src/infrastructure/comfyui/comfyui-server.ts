import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  ComfyUIClient,
  type FileStream,
  type PromptRequest,
  type PromptState,
  type RunListener,
  type Submission,
} from '../../application/ports/comfyui-client';
import type { BackendStatus } from '../../domain/backend';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import type { FileReference } from '../../domain/job/outputs';
import { textOf } from '../../domain/text';
import type { ComfyUIHttp } from './comfyui-http';
import type { ComfyUISocket } from './comfyui-socket';
import { SharedRead } from './shared-read';
import { submitOnce } from './submit-once';
import { findInQueue, readHistory, readQueue, readSystemStats } from './wire-answers';

export interface ComfyUIServerOptions {
  readonly baseUrl: string;
  readonly credentials?: object;
}

const STATUS_PATIENCE_MS = 5_000;

/** A ComfyUI server over its HTTP and WebSocket protocol. */
export class ComfyUIServer extends ComfyUIClient implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(ComfyUIServer.name);
  /** `/queue` carries whole workflows: one read serves all prompts that are looked for at the same time. */
  readonly #queue = new SharedRead(async () => readQueue(await this.http.getJson('/queue')));

  constructor(
    private readonly options: ComfyUIServerOptions,
    private readonly http: ComfyUIHttp,
    private readonly socket: ComfyUISocket,
  ) {
    super();
  }

  onModuleInit(): void {
    this.#logger.log(`ComfyUI at ${this.options.baseUrl}`);
    if (!this.options.credentials) {
      this.#logger.warn(
        'No credentials for ComfyUI (COMFYUI_USERNAME, COMFYUI_PASSWORD): it has none of its own, see that nobody else can reach it.',
      );
    }
  }

  async status(signal?: AbortSignal): Promise<BackendStatus> {
    const url = this.options.baseUrl;
    const patience = AbortSignal.timeout(STATUS_PATIENCE_MS);
    const started = performance.now();
    try {
      const stopped = signal ? AbortSignal.any([signal, patience]) : patience;
      const [stats, queue] = await Promise.all([
        this.http.getJson('/system_stats', stopped),
        this.http.getJson('/queue', stopped),
      ]);
      const system = readSystemStats(stats);
      if (!system) return { url, reachable: false, reason: 'What answers there is not a ComfyUI server.' };
      const { running, pending } = readQueue(queue);
      const roundTripMs = Math.round((performance.now() - started) * 10) / 10;
      return {
        url,
        reachable: true,
        ...system,
        queue: { running: running.length, pending: pending.length },
        roundTripMs,
      };
    } catch (error) {
      const reason = patience.aborted
        ? `ComfyUI did not answer within ${STATUS_PATIENCE_MS / 1000} s.`
        : toComfyUIError(error).message;
      this.#logger.warn(`ComfyUI at ${url}: ${reason}`);
      return { url, reachable: false, reason };
    }
  }

  async submit(request: PromptRequest, signal?: AbortSignal): Promise<Submission> {
    const accepted = this.socket.expectStatus();
    const submission = await submitOnce(this.http, request, this.socket.clientId, {
      isKnown: async () => (await this.find(request.promptId, signal)).state !== 'gone',
      signal,
    });
    accepted();
    return submission;
  }

  listen(promptId: string, listener: RunListener): Promise<() => void> {
    return this.socket.listen(promptId, listener);
  }

  /** History is asked first because it is small, and again at the end: a prompt may have moved there meanwhile. */
  async find(promptId: string, signal?: AbortSignal): Promise<PromptState> {
    return (
      (await this.#findInHistory(promptId, signal)) ??
      findInQueue(await this.#queue.get(), promptId) ??
      (await this.#findInHistory(promptId, signal)) ?? { state: 'gone' }
    );
  }

  async view({ filename, subfolder, type }: FileReference, signal?: AbortSignal): Promise<FileStream> {
    try {
      const { body, headers } = await this.http.getStream('/view', { filename, subfolder, type }, signal);
      const sizeBytes = Number(headers['content-length'] ?? NaN);
      return {
        stream: this.http.bytes(body, signal),
        mediaType: textOf(headers['content-type']) || undefined,
        sizeBytes: Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined,
      };
    } catch (error) {
      if (!(error instanceof ComfyUIError) || error.code !== 'not_found') throw error;
      throw new ComfyUIError('not_found', `ComfyUI has no file ${filename} in its ${type} folder.`, { cause: error });
    }
  }

  async cancel(promptId: string, signal?: AbortSignal): Promise<void> {
    await this.http.command('/queue', { delete: [promptId] }, signal);
    const { running } = await this.#queue.get();
    if (running.includes(promptId)) await this.http.command('/interrupt', { prompt_id: promptId }, signal);
  }

  async freeMemory(signal?: AbortSignal): Promise<void> {
    await this.http.command('/free', { unload_models: true, free_memory: true }, signal);
  }

  onApplicationShutdown(): void {
    this.socket.close();
    this.http.close();
  }

  async #findInHistory(promptId: string, signal?: AbortSignal): Promise<PromptState | undefined> {
    const record = readHistory(await this.http.getJson(`/history/${encodeURIComponent(promptId)}`, signal), promptId);
    return record && { state: 'finished', record };
  }
}

import {
  ComfyUIClient,
  type FileStream,
  type PromptRequest,
  type PromptState,
  type PromptListener,
  type Submission,
} from '../../application/backends/comfyui-client';
import { SingleFlight } from '../../shared/single-flight';
import type { ServerStatus } from '../../domain/backend';
import { BackendError, ComfyUIError } from '../../domain/errors';
import type { FileReference } from '../../domain/job/outputs';
import { isObject } from '../../shared/json';
import { textOf } from '../../shared/text';
import type { ComfyUIHttp } from './comfyui-http';
import type { ComfyUISocket } from './comfyui-socket';

import { submitOnce } from './submit-once';
import { findInQueue, type Queue, readHistory, readQueue, readSystemStats } from './wire-responses';

/** A ComfyUI server over its HTTP and WebSocket protocol. */
export class HttpComfyUIClient extends ComfyUIClient {
  /** `/queue` carries whole workflows: one read serves all prompts that are looked for at the same time. */
  readonly #queue = new SingleFlight<'queue', Queue>();

  constructor(
    private readonly http: ComfyUIHttp,
    private readonly socket: ComfyUISocket,
  ) {
    super();
  }

  onDisconnect(hear: () => void): void {
    this.socket.onLost(hear);
  }

  async status(signal?: AbortSignal): Promise<ServerStatus> {
    const started = performance.now();
    const [stats, queue] = await Promise.all([
      this.http.getJson('/system_stats', signal),
      this.http.getJson('/queue', signal),
    ]);
    const system = readSystemStats(stats);
    if (!system) throw new BackendError('backend_error', 'The server at this address is not a ComfyUI server.');
    const { running, pending } = readQueue(queue);
    const roundTripMs = Math.round((performance.now() - started) * 10) / 10;
    return { ...system, queue: { running: running.length, pending: pending.length }, roundTripMs };
  }

  async submit(request: PromptRequest, signal?: AbortSignal): Promise<Submission> {
    const onAccepted = this.socket.expectStatus();
    const submission = await submitOnce(this.http, request, this.socket.clientId, {
      isKnown: async () => (await this.find(request.promptId, signal)).state !== 'gone',
      signal,
    });
    onAccepted();
    return submission;
  }

  listen(promptId: string, listener: PromptListener, clientId?: string | null): Promise<() => void> {
    return this.socket.listen(promptId, listener, clientId);
  }

  /** Reads the history first because it is small, and again last because the prompt may have moved there in between. */
  async find(promptId: string, signal?: AbortSignal): Promise<PromptState> {
    return (
      (await this.#findInHistory(promptId, signal)) ??
      findInQueue(await orAborted(this.#readQueue(), signal), promptId) ??
      (await this.#findInHistory(promptId, signal)) ?? { state: 'gone' }
    );
  }

  async nodeClasses(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const definitions = await this.http.getJson('/object_info', signal);
    return new Set(isObject(definitions) ? Object.keys(definitions) : []);
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
    const { running } = await orAborted(this.#readQueue(), signal);
    if (running.includes(promptId)) await this.http.command('/interrupt', { prompt_id: promptId }, signal);
  }

  async freeMemory(signal?: AbortSignal): Promise<void> {
    await this.http.command('/free', { unload_models: true, free_memory: true }, signal);
  }

  /** Ids that ComfyUI does not know are accepted as well. */
  forget(promptId: string, signal?: AbortSignal): Promise<void> {
    return this.http.command('/history', { delete: [promptId] }, signal);
  }

  override close(): void {
    this.socket.close();
    this.http.close();
  }

  #readQueue(): Promise<Queue> {
    return this.#queue.joinNext('queue', async () => readQueue(await this.http.getJson('/queue')));
  }

  async #findInHistory(promptId: string, signal?: AbortSignal): Promise<PromptState | undefined> {
    const record = readHistory(await this.http.getJson(`/history/${encodeURIComponent(promptId)}`, signal), promptId);
    return record && { state: 'finished', record };
  }
}

/** Rejects when the signal aborts; the shared read continues for its other callers. */
function orAborted<T>(shared: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return shared;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort);
    shared.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

import type { ServerStatus } from '../../domain/backend';
import type { FileReference } from '../../domain/job/outputs';
import type { RunEvent, RunOutcome } from '../../domain/job/run-event';
import type { NodeErrors } from '../../domain/workflow/node-errors';
import type { Workflow } from '../../domain/workflow/workflow';

/** @publicApi */
export interface PromptRequest {
  /** Lowercase UUID, chosen by this process: a prompt can be looked up whatever happens to the response. */
  readonly promptId: string;
  readonly workflow: Workflow;
  /** Kept by ComfyUI with the prompt, visible in its queue and history. */
  readonly extraData?: Readonly<Record<string, unknown>>;
}

/**
 * ComfyUI accepted the prompt.
 * @publicApi
 */
export interface Submission {
  /** ComfyUI's id of the prompt: the requested one, unless the server is too old to take it. */
  readonly promptId: string;
  /** The socket id it was submitted under: its events go to a socket of that id only. */
  readonly clientId: string;
  /** Its place in ComfyUI's own order; null when the response was lost and the prompt was found by its id. */
  readonly number: number | null;
  /** Not empty when ComfyUI accepted a part of the workflow: these nodes, and the outputs behind them, do not run. */
  readonly nodeErrors: NodeErrors;
}

/**
 * A finished prompt in ComfyUI's history.
 * @publicApi
 */
export interface HistoryRecord {
  readonly outcome: RunOutcome;
  /** Node id -> its output, by the keys that the node chose. */
  readonly outputs: ReadonlyMap<string, unknown>;
  /** Nodes whose results came from ComfyUI's cache. */
  readonly cached: readonly string[];
}

/**
 * A prompt by `/history` and `/queue`. `gone`: ComfyUI does not know it (any more).
 * @publicApi
 */
export type PromptState =
  | { readonly state: 'pending'; readonly ahead: number; readonly idle: boolean }
  | { readonly state: 'running' }
  | { readonly state: 'finished'; readonly record: HistoryRecord }
  | { readonly state: 'gone' };

/**
 * An event of a prompt. `ended` carries ComfyUI's outcome, `finished` is its mark that the history is written; `connected` and
 * `disconnected` say whether events of this prompt can arrive at all.
 * @publicApi
 */
export type PromptEvent =
  | RunEvent
  | { readonly kind: 'ended'; readonly outcome: RunOutcome }
  | { readonly kind: 'finished' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' };

/** @publicApi */
export type PromptListener = (event: PromptEvent) => void;

/** @publicApi */
export interface FileStream {
  /** Fails with a ComfyUIError. Holds a connection until it is read to its end or returned from. */
  readonly stream: AsyncIterable<Buffer>;
  /** As the server declares them. */
  readonly mediaType: string | undefined;
  readonly sizeBytes: number | undefined;
}

/**
 * One ComfyUI server. Every call rejects with a `BackendError` when the server fails: `backend_unreachable`,
 * `backend_unauthorized`, `backend_error`; otherwise with the `ComfyUIError` that it documents.
 * @publicApi
 */
export abstract class ComfyUIClient {
  /** The server's version, devices and queue. */
  abstract status(signal?: AbortSignal): Promise<ServerStatus>;

  /** The node classes that the server knows. */
  abstract nodeClasses(signal?: AbortSignal): Promise<ReadonlySet<string>>;

  /**
   * `POST /prompt`, sent once: ComfyUI runs again what it receives again. When the response is lost, the prompt is looked up by
   * its id, twice. An error without `neverSent` leaves open whether the prompt arrived, or still will.
   * @throws ComfyUIError `invalid_workflow` with the errors per node id, `payload_too_large`
   */
  abstract submit(request: PromptRequest, signal?: AbortSignal): Promise<Submission>;

  /**
   * Receives the events of a prompt from now on, over one socket for all prompts. Resolves when the socket is open, or when it is
   * clear that it will not be soon: events make things fast, {@link find} decides.
   * @param clientId of a prompt that was submitted earlier, by this process or another
   * @returns unsubscribes
   */
  abstract listen(promptId: string, listener: PromptListener, clientId?: string | null): Promise<() => void>;

  /** Calls `listener` each time the socket breaks: the server may be gone. */
  abstract onDisconnect(listener: () => void): void;

  /** The state of a prompt, by `/history/{id}`, `/queue`, and `/history/{id}` again: a prompt may move there in between. */
  abstract find(promptId: string, signal?: AbortSignal): Promise<PromptState>;

  /** The bytes of a file, as they arrive. @throws ComfyUIError `not_found` */
  abstract view(file: FileReference, signal?: AbortSignal): Promise<FileStream>;

  /** Removes a waiting prompt from the queue, or interrupts it where it runs. Cooperative: a run may finish all the same. */
  abstract cancel(promptId: string, signal?: AbortSignal): Promise<void>;

  /** Removes a prompt from the history. The files stay. */
  abstract forget(promptId: string, signal?: AbortSignal): Promise<void>;

  /** Unloads models and cached results before the next prompt. */
  abstract freeMemory(signal?: AbortSignal): Promise<void>;

  /** Closes all connections. */
  close(): void {}
}

/**
 * Where a ComfyUI server is and how to log in. Times in seconds.
 * @publicApi
 */
export interface BackendConnection {
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly connectTimeout: number;
  /** Without a byte. */
  readonly responseTimeout: number;
}

/**
 * Creates the client of each backend; overriding it in Nest's DI reaches every use.
 * @publicApi
 * @example
 * Test.createTestingModule({ imports: [ComfyUIModule.forRoot({})] })
 *   .overrideProvider(ComfyUIClientFactory)
 *   .useValue({ create: () => new FakeClient() })
 */
export abstract class ComfyUIClientFactory {
  abstract create(connection: BackendConnection): ComfyUIClient;
}

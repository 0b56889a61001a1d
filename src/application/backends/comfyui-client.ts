import type { ServerStatus } from '../../domain/backend';
import type { FileReference } from '../../domain/job/outputs';
import type { RunEvent, RunOutcome } from '../../domain/job/run-event';
import type { NodeErrors } from '../../domain/workflow/node-errors';
import type { Workflow } from '../../domain/workflow/workflow';

export interface PromptRequest {
  /** Lowercase UUID; chosen by us, so that a prompt can be looked up whatever becomes of the answer. */
  readonly promptId: string;
  readonly workflow: Workflow;
  /** Kept by ComfyUI with the prompt, visible in its queue and history. */
  readonly extraData?: Readonly<Record<string, unknown>>;
}

/** ComfyUI took the prompt. */
export interface Submission {
  /** The id ComfyUI goes by: the requested one, unless the server is too old to take it. */
  readonly promptId: string;
  /** The socket id it was submitted under: its events come to a socket of that id only. */
  readonly clientId: string;
  /** Its place in ComfyUI's own order; null when the answer was lost and the prompt was found by its id. */
  readonly number: number | null;
  /** Not empty when ComfyUI took only a part of the workflow: these nodes, and the outputs behind them, will not run. */
  readonly nodeErrors: NodeErrors;
}

/** What a finished prompt left in ComfyUI's history. */
export interface HistoryRecord {
  readonly outcome: RunOutcome;
  /** Node id -> what it put out, by the key the node chose. */
  readonly outputs: ReadonlyMap<string, unknown>;
  /** Nodes whose results came from ComfyUI's cache. */
  readonly cached: readonly string[];
}

/** Where a prompt is, by `/history` and `/queue`. `gone`: ComfyUI knows nothing of it (any more). */
export type PromptState =
  | { readonly state: 'pending'; readonly ahead: number; readonly idle: boolean }
  | { readonly state: 'running' }
  | { readonly state: 'finished'; readonly record: HistoryRecord }
  | { readonly state: 'gone' };

/**
 * What a listener hears. `finished` is ComfyUI's own mark that the history can be read, `ended` its word on the outcome;
 * `connected` and `disconnected` tell whether events of this prompt can be heard at all.
 */
export type Signal =
  | RunEvent
  | { readonly kind: 'ended'; readonly outcome: RunOutcome }
  | { readonly kind: 'finished' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' };

export type RunListener = (signal: Signal) => void;

export interface FileStream {
  /** Fails with a ComfyUIError. A connection is held until it is read or returned from. */
  readonly stream: AsyncIterable<Buffer>;
  /** What the server says it is, and how large. */
  readonly mediaType: string | undefined;
  readonly sizeBytes: number | undefined;
}

/**
 * One ComfyUI server. All calls reject with a `BackendFault` when the server is at fault: `backend_unreachable`,
 * `backend_unauthorized`, `backend_error`; otherwise with the `ComfyUIError` each tells.
 */
export abstract class ComfyUIClient {
  /** Calls `hear` each time the socket breaks off: the server may be gone. */
  abstract onCutOff(hear: () => void): void;

  /** How the server is. */
  abstract status(signal?: AbortSignal): Promise<ServerStatus>;

  /**
   * `POST /prompt`, sent once: ComfyUI runs again what it is sent again. When the answer got lost, the prompt is looked up by
   * its id, twice. A fault that is not `neverSent` leaves open whether the prompt arrived, or still will.
   * @throws ComfyUIError `invalid_workflow` with the errors per node id, `payload_too_large`
   */
  abstract submit(request: PromptRequest, signal?: AbortSignal): Promise<Submission>;

  /**
   * Hears the events of a prompt from now on, over one socket shared by all prompts. Resolves when the socket is open,
   * or when it is clear that it will not be soon: events make things fast, {@link find} decides.
   * @param clientId of a prompt that was submitted already, by this process or the one before
   * @returns a function that stops listening
   */
  abstract listen(promptId: string, listener: RunListener, clientId?: string | null): Promise<() => void>;

  /** Where a prompt is: asks `/history/{id}`, `/queue`, and `/history/{id}` again, so that a prompt on its way between them is not missed. */
  abstract find(promptId: string, signal?: AbortSignal): Promise<PromptState>;

  /**
   * The bytes of a file, as they come.
   * @throws ComfyUIError `not_found`
   */
  abstract view(file: FileReference, signal?: AbortSignal): Promise<FileStream>;

  /** Takes a waiting prompt out of the queue and interrupts it where it runs. Cooperative: a run may finish all the same. */
  abstract cancel(promptId: string, signal?: AbortSignal): Promise<void>;

  /** Makes ComfyUI forget its models and cached results before its next prompt. */
  abstract freeMemory(signal?: AbortSignal): Promise<void>;
}

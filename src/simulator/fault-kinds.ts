/**
 * The faults that can be injected. `times` is the number of occurrences (default 1; `Infinity` lasts until it is cleared).
 * `promptId`, `nodeId` and `classType` restrict a fault; without them it affects the next occurrence.
 */
interface Common {
  times?: number;
}

interface OfPrompt extends Common {
  promptId?: string;
}

interface OfNode extends OfPrompt {
  nodeId?: string;
  classType?: string;
}

interface OfRequest extends Common {
  method?: string;
  /** The route as ComfyUI names it, without `/api` or a prefix; a string matches the route and the paths below it. */
  path?: string | RegExp;
}

/** The type of a WebSocket message, or `binary` for previews and text frames. */
export type EventType = string;

/** Directly after this message is sent; `submit` is after a prompt is accepted, before the response of the POST. */
export type Moment = EventType;

export type Fault =
  /** Closes the socket that received the message, without a close frame (1006), or with `code`. */
  | ({ kind: 'drop-socket'; after?: Moment; code?: number } & OfPrompt)
  /** A message of this type is never sent. */
  | ({ kind: 'lose-event'; type: EventType } & OfPrompt)
  /** The response to POST /prompt is sent `ms` later; without `ms` after all events of the run. */
  | ({ kind: 'late-post-answer'; ms?: number } & Common)
  /** POST /prompt is delayed in the network: the prompt is queued `ms` later, even if the client has disconnected. */
  | ({ kind: 'late-arrival'; ms: number } & Common)
  /** The connection closes instead of a response to POST /prompt. `accepted: false` also drops the prompt. */
  | ({ kind: 'lost-post-answer'; accepted?: boolean } & Common)
  /** A finished run appears in /history `ms` after its last event. */
  | ({ kind: 'history-lag'; ms: number } & OfPrompt)
  /** The process ends without close frames and restarts `downMs` later: queue, history, cache and temp are lost. */
  | ({ kind: 'restart'; after?: Moment; downMs?: number } & OfPrompt)
  /** A node raises an exception; with `atStep` in that step of its progress bar. */
  | ({ kind: 'node-exception'; message?: string; type?: string; atStep?: number } & OfNode)
  /** An output node fails validation: 200 with node_errors if another one is valid, else 400. */
  | ({ kind: 'node-errors'; message?: string } & OfNode)
  /** An nginx in front of ComfyUI answers with an HTML page. `target` defaults to `http`. */
  | ({
      kind: 'proxy';
      status: 401 | 403 | 404 | 413 | 429 | 500 | 502 | 503 | 504;
      target?: 'http' | 'socket' | 'both';
    } & OfRequest)
  /** /view waits `ms` before the first byte, sends `bytesPerSecond`, or closes the connection after `cutAfter` bytes. */
  | ({ kind: 'slow-view'; ms?: number; bytesPerSecond?: number; cutAfter?: number; filename?: string } & Common)
  /** The request is read and gets no response. */
  | ({ kind: 'hang' } & OfRequest)
  /**
   * The server loses a socket that stays open and answers pings: now, or `after` a message. With `halfOpen` it answers no
   * pings, as if a device in between had dropped the connection silently.
   */
  | ({ kind: 'deaf-socket'; clientId?: string; after?: Moment; halfOpen?: boolean } & Common)
  /** A proxy closes a socket after `ms` without a byte from the server. Lasts until cleared. */
  | ({ kind: 'idle-cut'; ms: number } & Common)
  /** The worker thread ends before the next prompt, or with `holding` while it runs. Only a restart helps. */
  | ({ kind: 'dead-worker'; holding?: boolean } & Common)
  /** A node's input is an ExecutionBlocker: an execution_error that does not end the run; silent without a message. */
  | ({ kind: 'execution-blocked'; message?: string } & OfNode)
  /** The UI output of a node contains NaN and Infinity, which are not JSON. */
  | ({ kind: 'nan-output' } & OfNode)
  /** /view does not find a file of the history. */
  | ({ kind: 'missing-file'; filename?: string } & Common)
  /** An old server, which ignores the prompt_id of a request. */
  | ({ kind: 'ignore-prompt-id' } & Common)
  /** Another client deletes the prompt from the queue before it starts: only a `status` message is sent. */
  | ({ kind: 'silent-disappearance' } & OfPrompt)
  /** The worker waits before a node (after `executing`) until the fault is cleared or the prompt interrupted. */
  | ({ kind: 'hold' } & OfNode);

export type FaultKind = Fault['kind'];

export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

export const FAULT_KINDS: readonly FaultKind[] = [
  'drop-socket',
  'lose-event',
  'late-post-answer',
  'late-arrival',
  'lost-post-answer',
  'history-lag',
  'restart',
  'node-exception',
  'node-errors',
  'proxy',
  'slow-view',
  'hang',
  'deaf-socket',
  'idle-cut',
  'dead-worker',
  'execution-blocked',
  'nan-output',
  'missing-file',
  'ignore-prompt-id',
  'silent-disappearance',
  'hold',
];

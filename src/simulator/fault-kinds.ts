/**
 * What can go wrong on demand. `times` is how often the fault strikes before it is spent (default 1; `Infinity` is
 * until cleared). `promptId`, `nodeId` and `classType` narrow a fault down; left out, the next occurrence is meant.
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
  /** The route as ComfyUI names it, without `/api` or a prefix; a text matches it and what lies below. */
  path?: string | RegExp;
}

/** The type of a WebSocket message, or `binary` for previews and text frames. */
export type EventType = string;

/** Just after this message went out; `submit` is the moment a prompt was accepted, before the POST is answered. */
export type Moment = EventType;

export type Fault =
  /** Cuts the socket that the message went to, without a close frame (1006), or with `code`. */
  | ({ kind: 'drop-socket'; after?: Moment; code?: number } & OfPrompt)
  /** A message of this type is never sent. */
  | ({ kind: 'lose-event'; type: EventType } & OfPrompt)
  /** The answer to POST /prompt comes `ms` later; without `ms` when the run has ended and all its events are out. */
  | ({ kind: 'late-post-answer'; ms?: number } & Common)
  /** POST /prompt is stuck on its way: the prompt is queued `ms` later, whether anybody still waits for the answer or not. */
  | ({ kind: 'late-arrival'; ms: number } & Common)
  /** The connection is cut instead of answering POST /prompt. `accepted: false` also forgets the prompt. */
  | ({ kind: 'lost-post-answer'; accepted?: boolean } & Common)
  /** A finished run appears in /history only `ms` after its last event. */
  | ({ kind: 'history-lag'; ms: number } & OfPrompt)
  /** The process dies and comes back `downMs` later: no close frames; queue, history, cache and temp are gone. */
  | ({ kind: 'restart'; after?: Moment; downMs?: number } & OfPrompt)
  /** A node raises; `atStep` in that step of its progress bar. */
  | ({ kind: 'node-exception'; message?: string; type?: string; atStep?: number } & OfNode)
  /** An output node fails validation: 200 with node_errors if another one is left, else 400. */
  | ({ kind: 'node-errors'; message?: string } & OfNode)
  /** An nginx in front answers in HTML. `target` defaults to `http`. */
  | ({
      kind: 'proxy';
      status: 401 | 403 | 404 | 413 | 429 | 500 | 502 | 503 | 504;
      target?: 'http' | 'socket' | 'both';
    } & OfRequest)
  /** /view waits `ms` before its first byte, or sends `bytesPerSecond`; `cutAfter` bytes it breaks off. */
  | ({ kind: 'slow-view'; ms?: number; bytesPerSecond?: number; cutAfter?: number; filename?: string } & Common)
  /** The request is read and never answered. */
  | ({ kind: 'hang' } & OfRequest)
  /**
   * The server forgets a socket that stays open and answers pings: now, or `after` a message. `halfOpen` answers none, as
   * when something between forgot the connection and tells neither end.
   */
  | ({ kind: 'deaf-socket'; clientId?: string; after?: Moment; halfOpen?: boolean } & Common)
  /** A proxy cuts a socket after `ms` without a byte from the server. Holds until cleared. */
  | ({ kind: 'idle-cut'; ms: number } & Common)
  /** The worker thread dies before the next prompt, or with `holding` while it is running. Only a restart heals. */
  | ({ kind: 'dead-worker'; holding?: boolean } & Common)
  /** A node's inputs hold an ExecutionBlocker: execution_error that is not the end. Without a message: silent. */
  | ({ kind: 'execution-blocked'; message?: string } & OfNode)
  /** A node shows NaN and Infinity, which are not JSON. */
  | ({ kind: 'nan-output' } & OfNode)
  /** /view does not find a file that history names. */
  | ({ kind: 'missing-file'; filename?: string } & Common)
  /** An old server: a prompt_id in the request is ignored. */
  | ({ kind: 'ignore-prompt-id' } & Common)
  /** Somebody else deletes the prompt from the queue before it starts: only `status` says so. */
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

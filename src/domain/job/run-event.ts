/** A node's state in ComfyUI's `progress_state`: `value` of `max` steps. */
export interface NodeProgress {
  readonly nodeId: string;
  readonly finished: boolean;
  readonly value: number;
  readonly max: number;
}

/** A node that failed, as ComfyUI tells it. */
export interface ExecutionFailure {
  readonly nodeId: string;
  readonly classType: string;
  readonly message: string;
  readonly exceptionType: string;
  readonly traceback: readonly string[];
}

/** An intermediate picture of a node that is still at work. */
export interface Preview {
  readonly mediaType: 'image/jpeg' | 'image/png';
  readonly image: Buffer;
  readonly nodeId: string | null;
}

/**
 * What ComfyUI says of one prompt while it runs, in our words.
 * `nodeId` may be one that a node made at run time; `submittedNode` tells whose it is.
 */
export type RunEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'cached'; readonly nodeIds: readonly string[] }
  | { readonly kind: 'executing'; readonly nodeId: string }
  | { readonly kind: 'step'; readonly nodeId: string; readonly value: number; readonly max: number }
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeProgress[] }
  | { readonly kind: 'executed'; readonly nodeId: string; readonly output: unknown }
  | { readonly kind: 'preview'; readonly preview: Preview };

/** How a run ended, by ComfyUI's own account. */
export type RunOutcome =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly failure: ExecutionFailure }
  | { readonly kind: 'interrupted' };

/**
 * A node's state in ComfyUI's `progress_state`: `value` of `max` steps.
 *
 * @publicApi
 */
export interface NodeProgress {
  readonly nodeId: string;
  readonly finished: boolean;
  readonly value: number;
  readonly max: number;
}

/**
 * ComfyUI's report of a failed node.
 *
 * @publicApi
 */
export interface ExecutionFailure {
  readonly nodeId: string;
  readonly classType: string;
  readonly message: string;
  readonly exceptionType: string;
  readonly traceback: readonly string[];
}

/**
 * An intermediate image of a node that is still running.
 *
 * @publicApi
 */
export interface Preview {
  readonly mediaType: 'image/jpeg' | 'image/png';
  readonly image: Buffer;
  readonly nodeId: string | null;
}

/**
 * An event of a running prompt, translated from ComfyUI's messages.
 * `nodeId` may belong to a node created at run time; `submittedNode` maps it to a node of the workflow.
 *
 * @publicApi
 */
export type RunEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'cached'; readonly nodeIds: readonly string[] }
  | { readonly kind: 'executing'; readonly nodeId: string }
  | { readonly kind: 'step'; readonly nodeId: string; readonly value: number; readonly max: number }
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeProgress[] }
  | { readonly kind: 'executed'; readonly nodeId: string; readonly output: unknown }
  | { readonly kind: 'preview'; readonly preview: Preview };

/**
 * The end of a run as ComfyUI reports it.
 *
 * @publicApi
 */
export type RunOutcome =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly failure: ExecutionFailure }
  | { readonly kind: 'interrupted' };

/**
 * `[node id, output slot]`: the input is connected to that output.
 *
 * @publicApi
 */
export type Link = readonly [nodeId: string, slot: number];

/**
 * A node of a workflow in API format.
 *
 * @publicApi
 */
export interface WorkflowNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly _meta?: { readonly title?: string };
}

/**
 * A graph in ComfyUI's API format: node id -> node. `nodeIdsOf` returns the submitted order of the nodes.
 *
 * @publicApi
 */
export type Workflow = Readonly<Record<string, WorkflowNode>>;

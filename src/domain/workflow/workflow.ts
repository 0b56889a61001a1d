/** `[node id, output slot]`: the input takes what that node puts out. */
export type Link = readonly [nodeId: string, slot: number];

export interface WorkflowNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly _meta?: { readonly title?: string };
}

/** A graph in ComfyUI's API format: node id -> node. `nodeIdsOf` tells the order of the nodes. */
export type Workflow = Readonly<Record<string, WorkflowNode>>;

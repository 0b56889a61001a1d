import type { Workflow } from './workflow';

/**
 * The node of the workflow that a node id belongs to. Nodes that make further nodes at run time name them
 * `<their id>.<list index>.<graph index>.<k>`.
 */
export function submittedNode(workflow: Workflow, nodeId: string): string {
  for (let id = nodeId; id !== ''; id = id.slice(0, Math.max(0, id.lastIndexOf('.')))) {
    if (Object.hasOwn(workflow, id)) return id;
  }
  return nodeId;
}

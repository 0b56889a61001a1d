import type { Workflow } from './workflow';

/**
 * The id of the workflow's node that a run-time node id belongs to. The id of a node created at run time is
 * `<id of its creator>.<list index>.<graph index>.<k>`.
 */
export function submittedNode(workflow: Workflow, nodeId: string): string {
  for (let id = nodeId; id !== ''; id = id.slice(0, Math.max(0, id.lastIndexOf('.')))) {
    if (Object.hasOwn(workflow, id)) return id;
  }
  return nodeId;
}

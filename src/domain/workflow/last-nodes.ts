import { isLink } from './links';
import type { Workflow } from './workflow';

/** The ids of the nodes without outgoing links. ComfyUI runs such a node only if it is an output node. */
export function lastNodes(workflow: Workflow): string[] {
  const taken = new Set<string>();
  for (const { inputs } of Object.values(workflow))
    for (const value of Object.values(inputs)) if (isLink(value)) taken.add(value[0]);
  return Object.keys(workflow).filter((id) => !taken.has(id));
}

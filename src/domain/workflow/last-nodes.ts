import { isLink } from './links';
import type { Workflow } from './workflow';

/** The nodes that no other takes anything from. Those that run are output nodes: nothing else makes ComfyUI run them. */
export function lastNodes(workflow: Workflow): string[] {
  const taken = new Set<string>();
  for (const { inputs } of Object.values(workflow))
    for (const value of Object.values(inputs)) if (isLink(value)) taken.add(value[0]);
  return Object.keys(workflow).filter((id) => !taken.has(id));
}

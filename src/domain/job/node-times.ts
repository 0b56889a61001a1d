import { submittedNode } from '../workflow/submitted-node';
import type { Workflow } from '../workflow/workflow';
import type { RunEvent } from './run-event';

/** Milliseconds since the epoch; without `to` the node still runs. */
interface NodeTime {
  readonly from: number;
  readonly to?: number;
}

/** The start and end of each node of a run, measured by the clock of this process. */
export interface NodeTimes {
  readonly nodes: ReadonlyMap<string, NodeTime>;
  /** Servers before mid-2025 send no node states: there the start of a node ends the previous one. */
  readonly hasNodeStates: boolean;
}

export const NO_NODE_TIMES: NodeTimes = { nodes: new Map(), hasNodeStates: false };

/** The next state after an event; the same object when the event starts or ends no node. */
export function advanceNodeTimes(times: NodeTimes, event: RunEvent, workflow: Workflow, now: number): NodeTimes {
  if (event.kind === 'executing') {
    const node = submittedNode(workflow, event.nodeId);
    if (times.nodes.has(node)) return times;
    const nodes = times.hasNodeStates ? new Map(times.nodes) : closed(times.nodes, now);
    return { ...times, nodes: nodes.set(node, { from: now }) };
  }
  if (event.kind !== 'nodes') return times;
  const changed = event.nodes.filter(
    ({ nodeId, finished }) => Object.hasOwn(workflow, nodeId) && isStateChange(times, nodeId, finished),
  );
  if (changed.length === 0) return times.hasNodeStates ? times : { ...times, hasNodeStates: true };
  const nodes = new Map(times.nodes);
  for (const { nodeId, finished } of changed) {
    const from = nodes.get(nodeId)?.from ?? now;
    nodes.set(nodeId, finished ? { from, to: now } : { from });
  }
  return { nodes, hasNodeStates: true };
}

/** Node id -> milliseconds. A running node counts until `now`; without `now` it is left out. */
export function nodeDurations({ nodes }: NodeTimes, now?: number): Record<string, number> {
  const ended = [...nodes].flatMap(([id, { from, to = now }]) => (to === undefined ? [] : [[id, to - from] as const]));
  return Object.fromEntries(ended);
}

/** False for a cached output node: ComfyUI reports it as finished although it never started. */
function isStateChange({ nodes }: NodeTimes, nodeId: string, finished: boolean): boolean {
  const known = nodes.get(nodeId);
  return finished ? known !== undefined && known.to === undefined : known === undefined;
}

function closed(nodes: ReadonlyMap<string, NodeTime>, now: number): Map<string, NodeTime> {
  return new Map([...nodes].map(([id, { from, to = now }]) => [id, { from, to }]));
}

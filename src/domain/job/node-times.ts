import { submittedNode } from '../workflow/submitted-node';
import type { Workflow } from '../workflow/workflow';
import type { RunEvent } from './run-event';

interface NodeTime {
  readonly from: number;
  readonly to?: number;
}

/** When each node of a run was at work, by our clock. */
export interface NodeTimes {
  readonly nodes: ReadonlyMap<string, NodeTime>;
  /** Servers before mid-2025 tell only which node is next: there it ends the one before. */
  readonly tellsNodeStates: boolean;
}

export const NO_NODE_TIMES: NodeTimes = { nodes: new Map(), tellsNodeStates: false };

/** The next state after an event; the same object when the event says nothing about when a node began or ended. */
export function advanceNodeTimes(times: NodeTimes, event: RunEvent, workflow: Workflow, now: number): NodeTimes {
  if (event.kind === 'executing') {
    const node = submittedNode(workflow, event.nodeId);
    if (times.nodes.has(node)) return times;
    const nodes = times.tellsNodeStates ? new Map(times.nodes) : closed(times.nodes, now);
    return { ...times, nodes: nodes.set(node, { from: now }) };
  }
  if (event.kind !== 'nodes') return times;
  const news = event.nodes.filter(
    ({ nodeId, finished }) => Object.hasOwn(workflow, nodeId) && isNews(times, nodeId, finished),
  );
  if (news.length === 0) return times.tellsNodeStates ? times : { ...times, tellsNodeStates: true };
  const nodes = new Map(times.nodes);
  for (const { nodeId, finished } of news) {
    const from = nodes.get(nodeId)?.from ?? now;
    nodes.set(nodeId, finished ? { from, to: now } : { from });
  }
  return { nodes, tellsNodeStates: true };
}

/** Node id -> milliseconds; a node still at work counts until `now`, and not at all without. */
export function nodeDurations({ nodes }: NodeTimes, now?: number): Record<string, number> {
  const ended = [...nodes].flatMap(([id, { from, to = now }]) => (to === undefined ? [] : [[id, to - from] as const]));
  return Object.fromEntries(ended);
}

/** A cached output node is told as finished without ever having been at work. */
function isNews({ nodes }: NodeTimes, nodeId: string, finished: boolean): boolean {
  const known = nodes.get(nodeId);
  return finished ? known !== undefined && known.to === undefined : known === undefined;
}

function closed(nodes: ReadonlyMap<string, NodeTime>, now: number): Map<string, NodeTime> {
  return new Map([...nodes].map(([id, { from, to = now }]) => [id, { from, to }]));
}

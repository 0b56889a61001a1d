import { submittedNode } from '../workflow/submitted-node';
import type { Workflow, WorkflowNode } from '../workflow/workflow';
import type { NodeProgress, RunEvent } from './run-event';

/**
 * A complete snapshot of the progress of a run. `value` never decreases within an attempt.
 *
 * @publicApi
 */
export interface Progress {
  /** 0..1 over the whole run; a node's weight is its number of sampler steps, cached nodes have none. */
  readonly value: number;
  readonly nodesDone: number;
  /** The number of nodes to run: those of the workflow without the cached ones. */
  readonly nodesTotal: number;
  /** Id of a node of the submitted workflow, also while nodes run that it created at run time. */
  readonly currentNode: string | null;
  readonly currentNodeClass: string | null;
  /** Step of `steps` of the current node; null while ComfyUI reports none. */
  readonly step: number | null;
  readonly steps: number | null;
}

/** The known states of a run's nodes; `snapshot` is the public part. */
export interface RunProgress {
  readonly snapshot: Progress;
  readonly cached: ReadonlySet<string>;
  readonly finished: ReadonlySet<string>;
  /** Completed part of running nodes, 0..1. */
  readonly fractions: ReadonlyMap<string, number>;
  /** Servers before mid-2025 send no `progress_state`: there the start of a node finishes the previous one. */
  readonly hasNodeStates: boolean;
}

const MAX_WEIGHT = 1000;

/** Shared by all waiting jobs. */
const NONE: ReadonlySet<string> = new Set();
const NO_FRACTIONS: ReadonlyMap<string, number> = new Map();

export function initialProgress(workflow: Workflow): RunProgress {
  const snapshot: Progress = {
    value: 0,
    nodesDone: 0,
    nodesTotal: Object.keys(workflow).length,
    currentNode: null,
    currentNodeClass: null,
    step: null,
    steps: null,
  };
  return { snapshot, cached: NONE, finished: NONE, fractions: NO_FRACTIONS, hasNodeStates: false };
}

/** The next state after an event; the same object when the event does not change the progress. */
export function advanceProgress(progress: RunProgress, event: RunEvent, workflow: Workflow): RunProgress {
  switch (event.kind) {
    case 'cached':
      return withSnapshot({ ...progress, cached: new Set(event.nodeIds) }, workflow, {});
    case 'executing':
      return withSnapshot(
        leaveCurrentNode(progress, event.nodeId),
        workflow,
        current(event.nodeId, workflow, progress.snapshot),
      );
    case 'step':
      return withSnapshot(withFractions(progress, [{ ...event, finished: false }]), workflow, {
        ...current(event.nodeId, workflow, progress.snapshot),
        step: event.value,
        steps: event.max,
      });
    case 'nodes':
      return withSnapshot(
        { ...withFractions(progress, event.nodes), hasNodeStates: true },
        workflow,
        stepOfCurrent(event.nodes, progress.snapshot),
      );
    default:
      return progress;
  }
}

/** The snapshot of a run that succeeded. */
export function completedProgress({ snapshot }: RunProgress): Progress {
  return {
    ...snapshot,
    value: 1,
    nodesDone: snapshot.nodesTotal,
    currentNode: null,
    currentNodeClass: null,
    step: null,
    steps: null,
  };
}

function current(nodeId: string, workflow: Workflow, previous: Progress): Partial<Progress> {
  const node = submittedNode(workflow, nodeId);
  if (previous.currentNode === node) return {};
  return { currentNode: node, currentNodeClass: workflow[node]?.class_type ?? null, step: null, steps: null };
}

/** Ignores nodes without steps, which ComfyUI reports as one of one. */
function stepOfCurrent(nodes: readonly NodeProgress[], { currentNode }: Progress): Partial<Progress> {
  const state = nodes.find(({ nodeId, finished, max }) => nodeId === currentNode && !finished && max > 1);
  return state ? { step: state.value, steps: state.max } : {};
}

function leaveCurrentNode(progress: RunProgress, nextNodeId: string): RunProgress {
  const { currentNode } = progress.snapshot;
  if (progress.hasNodeStates || currentNode === null || currentNode === nextNodeId) return progress;
  return { ...progress, finished: new Set(progress.finished).add(currentNode) };
}

function withFractions(progress: RunProgress, nodes: readonly NodeProgress[]): RunProgress {
  const finished = new Set(progress.finished);
  const fractions = new Map(progress.fractions);
  for (const { nodeId, finished: isFinished, value, max } of nodes) {
    if (isFinished) finished.add(nodeId);
    else fractions.set(nodeId, max > 0 ? Math.min(1, Math.max(0, value / max)) : 0);
  }
  return { ...progress, finished, fractions };
}

function withSnapshot(progress: RunProgress, workflow: Workflow, changes: Partial<Progress>): RunProgress {
  const running = Object.entries(workflow).filter(([id]) => !progress.cached.has(id));
  const total = running.reduce((sum, [, node]) => sum + weight(node), 0);
  const done = running.reduce((sum, [id, node]) => sum + weight(node) * fractionOf(id, progress), 0);
  const value = total > 0 ? Math.round((done / total) * 10_000) / 10_000 : 0;
  const snapshot: Progress = {
    ...progress.snapshot,
    ...changes,
    value: Math.max(progress.snapshot.value, value),
    nodesDone: running.filter(([id]) => progress.finished.has(id)).length,
    nodesTotal: running.length,
  };
  return { ...progress, snapshot: isSame(snapshot, progress.snapshot) ? progress.snapshot : snapshot };
}

function isSame(a: Progress, b: Progress): boolean {
  return (Object.keys(a) as (keyof Progress)[]).every((field) => a[field] === b[field]);
}

function fractionOf(nodeId: string, { finished, fractions }: RunProgress): number {
  return finished.has(nodeId) ? 1 : (fractions.get(nodeId) ?? 0);
}

/** The node's `steps` input, the best estimate in the graph: a sampler of 20 steps takes longer than a loader. */
function weight(node: WorkflowNode): number {
  const { steps } = node.inputs;
  return typeof steps === 'number' && steps >= 1 ? Math.min(steps, MAX_WEIGHT) : 1;
}

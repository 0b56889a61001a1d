import { submittedNode } from '../workflow/submitted-node';
import type { Workflow, WorkflowNode } from '../workflow/workflow';
import type { NodeProgress, RunEvent } from './run-event';

/** A complete snapshot of how far a run is. Within an attempt `value` never decreases. */
export interface Progress {
  /** 0..1 over the whole run: nodes weigh by their sampler steps, cached nodes count for nothing. */
  readonly value: number;
  readonly nodesDone: number;
  /** Nodes that will run: those of the workflow less the cached ones. */
  readonly nodesTotal: number;
  /** A node of the workflow as submitted, also while it runs nodes it made itself. */
  readonly currentNode: string | null;
  readonly currentNodeClass: string | null;
  /** Step of `steps` of the current node, null while it tells none. */
  readonly step: number | null;
  readonly steps: number | null;
}

/** What is known of a run's nodes; `snapshot` is what callers see of it. */
export interface RunProgress {
  readonly snapshot: Progress;
  readonly cached: ReadonlySet<string>;
  readonly finished: ReadonlySet<string>;
  /** Done part of nodes at work, 0..1. */
  readonly fractions: ReadonlyMap<string, number>;
  /** Servers before mid-2025 send no `progress_state`: there a node is finished when the next one starts. */
  readonly tellsNodeStates: boolean;
}

const MAX_WEIGHT = 1000;

/** One of each for all jobs that wait. */
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
  return { snapshot, cached: NONE, finished: NONE, fractions: NO_FRACTIONS, tellsNodeStates: false };
}

/** The next state after an event; the same object when the event says nothing about progress. */
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
        { ...withFractions(progress, event.nodes), tellsNodeStates: true },
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

/** A node without steps of its own counts as one of one, which says nothing. */
function stepOfCurrent(nodes: readonly NodeProgress[], { currentNode }: Progress): Partial<Progress> {
  const state = nodes.find(({ nodeId, finished, max }) => nodeId === currentNode && !finished && max > 1);
  return state ? { step: state.value, steps: state.max } : {};
}

function leaveCurrentNode(progress: RunProgress, nextNodeId: string): RunProgress {
  const left = progress.snapshot.currentNode;
  if (progress.tellsNodeStates || left === null || left === nextNodeId) return progress;
  return { ...progress, finished: new Set(progress.finished).add(left) };
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

/** A sampler of 20 steps takes longer than a loader: its `steps` input is the best guess the graph holds. */
function weight(node: WorkflowNode): number {
  const { steps } = node.inputs;
  return typeof steps === 'number' && steps >= 1 ? Math.min(steps, MAX_WEIGHT) : 1;
}

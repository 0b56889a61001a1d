import type { Link, Workflow, WorkflowNode } from './workflow';

/** A value, or a link that leads to more. */
export type Find<T> = { readonly value: T } | Trail<T>;

export interface Trail<T> {
  readonly link: Link;
  readonly read: Read<T>;
}

/** What a node holds, in order, seen from one of its output slots. Only whether `slot` is the first may make a difference. */
export type Read<T> = (node: WorkflowNode, slot: number) => readonly Find<T>[];

/** The nodes that were read already; walks that share it read no node twice in the same way. */
export type Seen<T> = Map<Read<T>, Set<string>>;

/** Inputs whose names tell that they take something of a kind: nothing else comes through them. */
const KIND =
  /image|pixel|video|mask|audio|model|clip|vae|latent|sample|noise|sigma|guider|control|style|hook|positive|negative|cond|embed|seed|steps|cfg|denoise|width|height|strength|scheduler/i;

/** A link as ComfyUI's `graph_utils.is_link` tells it from a list of values. */
export function isLink(value: unknown): value is Link {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
}

export function nodeOf(workflow: Workflow, id: string): WorkflowNode | undefined {
  return Object.hasOwn(workflow, id) ? workflow[id] : undefined;
}

/**
 * A node's inputs, in order, without those that it is told not to use: the other branch of core's `ComfySwitchNode`
 * (`switch`, `on_true`, `on_false`), the inputs that `ImpactSwitch` does not `select` (`input1`, `input2`, ...).
 */
export function inputsInForce({ inputs }: WorkflowNode): readonly (readonly [name: string, value: unknown])[] {
  const entries = Object.entries(inputs);
  const { switch: on, select } = inputs;
  if (typeof on === 'boolean') return entries.filter(([name]) => name !== (on ? 'on_false' : 'on_true'));
  if (typeof select !== 'number') return entries;
  return entries.filter(([name]) => !/^input\d+$/.test(name) || name === `input${select}`);
}

export function linksNamed(node: WorkflowNode, name: RegExp): Link[] {
  return inputsInForce(node).flatMap(([input, value]) => (name.test(input) && isLink(value) ? [value] : []));
}

/** Links of no particular kind: how reroutes, switches and pipes take what they pass on. */
export function passedOn(node: WorkflowNode): Link[] {
  return inputsInForce(node).flatMap(([input, value]) => (!KIND.test(input) && isLink(value) ? [value] : []));
}

export function trails<T>(links: readonly Link[], read: Read<T>): Trail<T>[] {
  return links.map((link) => ({ link, read }));
}

/**
 * Follows links backwards, depth first, and gives the values in the order of the inputs they are reached by. Takes time
 * in proportion to the links, in any graph: cycles are walked once, links to missing nodes end there.
 */
export function* follow<T>(workflow: Workflow, finds: readonly Find<T>[], seen: Seen<T> = new Map()): Generator<T> {
  const stack = finds.toReversed();
  for (let find = stack.pop(); find !== undefined; find = stack.pop()) {
    if ('value' in find) {
      yield find.value;
      continue;
    }
    const node = nodeOf(workflow, find.link[0]);
    if (node === undefined || !isFirstVisit(seen, find)) continue;
    const further = find.read(node, find.link[1]);
    // One at a time: a spread of many links overflows the call stack.
    for (const next of further.toReversed()) stack.push(next);
  }
}

function isFirstVisit<T>(seen: Seen<T>, { link: [id, slot], read }: Trail<T>): boolean {
  const visits = seen.get(read) ?? new Set<string>();
  seen.set(read, visits);
  const visit = `${slot === 0 ? 'first' : 'other'} ${id}`;
  const isFirst = !visits.has(visit);
  visits.add(visit);
  return isFirst;
}

import type { Link, Workflow, WorkflowNode } from './workflow';

/** A value, or a link to follow. */
export type Find<T> = { readonly value: T } | Trail<T>;

export interface Trail<T> {
  readonly link: Link;
  readonly read: Read<T>;
}

/** The values and links of a node, in order, for one of its output slots. Only whether `slot` is 0 may matter. */
export type Read<T> = (node: WorkflowNode, slot: number) => readonly Find<T>[];

/** The nodes already read, per reader; walks that share it apply a reader to a node only once. */
export type Seen<T> = Map<Read<T>, Set<string>>;

/** Inputs whose names imply a type: values of other types do not pass through them. */
const KIND =
  /image|pixel|video|mask|audio|model|clip|vae|latent|sample|noise|sigma|guider|control|style|hook|positive|negative|cond|embed|seed|steps|cfg|denoise|width|height|strength|scheduler/i;

/** Distinguishes a link from a list of values, as ComfyUI's `graph_utils.is_link` does. */
export function isLink(value: unknown): value is Link {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
}

export function nodeOf(workflow: Workflow, id: string): WorkflowNode | undefined {
  return Object.hasOwn(workflow, id) ? workflow[id] : undefined;
}

/**
 * A node's inputs, in order, without those that a switch deselects: the other branch of core's `ComfySwitchNode`
 * (`switch`, `on_true`, `on_false`), the inputs that `ImpactSwitch` does not `select` (`input1`, `input2`, ...).
 */
export function activeInputs({ inputs }: WorkflowNode): readonly (readonly [name: string, value: unknown])[] {
  const entries = Object.entries(inputs);
  const { switch: on, select } = inputs;
  if (typeof on === 'boolean') return entries.filter(([name]) => name !== (on ? 'on_false' : 'on_true'));
  if (typeof select !== 'number') return entries;
  return entries.filter(([name]) => !/^input\d+$/.test(name) || name === `input${select}`);
}

export function linksNamed(node: WorkflowNode, name: RegExp): Link[] {
  return activeInputs(node).flatMap(([input, value]) => (name.test(input) && isLink(value) ? [value] : []));
}

/** The links without a type in their names, as the inputs of reroutes, switches and pipes. */
export function passThroughLinks(node: WorkflowNode): Link[] {
  return activeInputs(node).flatMap(([input, value]) => (!KIND.test(input) && isLink(value) ? [value] : []));
}

export function trails<T>(links: readonly Link[], read: Read<T>): Trail<T>[] {
  return links.map((link) => ({ link, read }));
}

/**
 * Follows links backwards, depth first, and yields the values in the order of the inputs that lead to them. The time is
 * linear in the number of links for any graph: a cycle is walked once, a link to a missing node ends its path.
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
    // Pushed one at a time: a spread of many links overflows the call stack.
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

import { type Find, follow, isLink, passThroughLinks, type Read, trails } from './links';
import type { Workflow, WorkflowNode } from './workflow';

/** Input names of nodes with a single value: `PrimitiveInt`, other primitives, and the constants of custom nodes. */
const VALUE_NAMES = ['value', 'int', 'float', 'number', 'Number'];

type Accept<T> = (value: unknown) => T | null;

/** Reads one value of a node by the name of its input, from the node itself or over a link. */
export interface Literal<T> {
  /** The finds in the node itself; empty if it has none of the inputs. */
  readonly at: (node: WorkflowNode) => readonly Find<T>[];
}

/**
 * @param names input names, the most specific first
 * @param namesBehind input names of the value in a linked node, besides those of plain constants
 */
export function literal<T>(names: readonly string[], accept: Accept<T>, namesBehind: readonly string[]): Literal<T> {
  const behind = [...namesBehind, ...VALUE_NAMES];
  const find = (value: unknown): readonly Find<T>[] => {
    if (isLink(value)) return trails([value], read);
    const accepted = accept(value);
    return accepted === null ? [] : [{ value: accepted }];
  };
  const read: Read<T> = (node) => {
    const name = nameIn(node, behind);
    return name === undefined ? trails(passThroughLinks(node), read) : find(node.inputs[name]);
  };
  return {
    at: (node) => {
      const name = nameIn(node, names);
      return name === undefined ? [] : find(node.inputs[name]);
    },
  };
}

/** A number input. Over a link only plain constants count: the graph does not contain what other nodes compute. */
export function numberNamed(...names: string[]): Literal<number> {
  return literal(names, numberIn, []);
}

/** A string input with a list of choices; selector nodes use the same input name as the node they serve. */
export function choiceNamed(...names: string[]): Literal<string> {
  return literal(names, nameInList, names);
}

/** The first value of the nodes that have the input. */
export function firstOf<T>(workflow: Workflow, nodes: readonly WorkflowNode[], wanted: Literal<T>): T | null {
  const finds = nodes.map((node) => wanted.at(node)).find(({ length }) => length > 0) ?? [];
  const { value, done } = follow(workflow, finds).next();
  return done ? null : value;
}

export function hasAnyInput(node: WorkflowNode, names: readonly string[]): boolean {
  return nameIn(node, names) !== undefined;
}

/** Accepts numeric strings, as ComfyUI does. */
function numberIn(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** Loaders with several slots use `None` for an empty one. */
function nameInList(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value !== 'None' ? value : null;
}

function nameIn({ inputs }: WorkflowNode, names: readonly string[]): string | undefined {
  return names.find((name) => Object.hasOwn(inputs, name));
}

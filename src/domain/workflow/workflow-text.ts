import { isObject, parseJson, stringifyJson } from '../../shared/json';
import { keepNodeOrder, nodeIdsOf, noteNodeOrder } from './node-order';
import type { Workflow } from './workflow';

/** A workflow as JSON text, nodes in the order they were submitted, integers exact. */
export function writeWorkflow(workflow: Workflow): string {
  const nodes = nodeIdsOf(workflow).map((id) => `${JSON.stringify(id)}:${stringifyJson(workflow[id])}`);
  return `{${nodes.join(',')}}`;
}

/** Reads what {@link writeWorkflow} wrote. */
export function readWorkflow(text: string): Workflow {
  const body = `{"prompt":${text}}`;
  const parsed = parseJson(body) as { prompt: Workflow };
  noteNodeOrder(parsed, body);
  return keepNodeOrder(parsed.prompt, { ...parsed.prompt });
}

/** A text that is the same for the same graph, in whatever order its keys came: JSON without spaces, keys sorted. */
export function canonicalWorkflow(workflow: Workflow): string {
  return canonical(workflow);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return stringifyJson(value);
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

import { isObject, parseJson, stringifyJson } from '../../shared/json';
import { keepNodeOrder, nodeIdsOf, noteNodeOrder } from './node-order';
import type { Workflow } from './workflow';

/** Serializes a workflow as JSON: nodes in the submitted order, integers exact. */
export function writeWorkflow(workflow: Workflow): string {
  const nodes = nodeIdsOf(workflow).map((id) => `${JSON.stringify(id)}:${stringifyJson(workflow[id])}`);
  return `{${nodes.join(',')}}`;
}

/** Parses the output of {@link writeWorkflow}. */
export function readWorkflow(text: string): Workflow {
  const body = `{"prompt":${text}}`;
  const parsed = parseJson(body) as { prompt: Workflow };
  noteNodeOrder(parsed, body);
  return keepNodeOrder(parsed.prompt, { ...parsed.prompt });
}

/** The same text for the same graph, whatever the order of its keys: JSON without spaces, keys sorted. */
export function canonicalWorkflow(workflow: Workflow): string {
  return canonical(workflow);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return stringifyJson(value);
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

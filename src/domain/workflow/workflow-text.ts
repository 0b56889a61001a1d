import { parseJson, stringifyJson } from '../json';
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

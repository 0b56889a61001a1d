import { stringifyJson } from '../../shared/json';

/** Details may quote a workflow, with integers that `JSON.stringify` refuses. */
export function jsonSafe(details: object): Record<string, unknown> {
  return JSON.parse(stringifyJson(details)) as Record<string, unknown>;
}

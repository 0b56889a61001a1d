import { isObject } from '../../shared/json';
import { oneLine, textOf } from '../../shared/text';

/**
 * A validation error of a node.
 *
 * @publicApi
 */
export interface NodeProblem {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  /** The invalid input, if ComfyUI names one. */
  readonly input?: string;
}

/**
 * Validation errors by node id; `classType` is the node's class.
 *
 * @publicApi
 */
export interface NodeErrors {
  readonly [nodeId: string]: { readonly classType: string; readonly problems: readonly NodeProblem[] };
}

/** Parses ComfyUI's `node_errors`; entries of another shape are left out. */
export function parseNodeErrors(value: unknown): NodeErrors {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).flatMap(([nodeId, entry]) => {
    if (!isObject(entry) || !Array.isArray(entry.errors)) return [];
    const problems = entry.errors.filter(isObject).map(parseProblem);
    return [[nodeId, { classType: textOf(entry.class_type), problems }] as const];
  });
  return Object.fromEntries(entries);
}

/** One sentence per node: `Node 3 (KSampler): steps: Value 0 smaller than min of 1`. */
export function describeNodeErrors(errors: NodeErrors): string {
  const sentences = Object.entries(errors).map(([nodeId, { classType, problems }]) => {
    const description = problems.map(describeProblem).join('; ') || 'failed validation';
    return `Node ${nodeId} (${classType}): ${description}`;
  });
  return oneLine(sentences.join('. '), 2000);
}

function parseProblem(problem: Record<string, unknown>): NodeProblem {
  const extra = isObject(problem.extra_info) ? problem.extra_info : {};
  const input = typeof extra.input_name === 'string' ? { input: extra.input_name } : {};
  return { type: textOf(problem.type), message: textOf(problem.message), details: textOf(problem.details), ...input };
}

/** ComfyUI's details repeat the name of the input, alone or in front of the description. */
function describeProblem({ message, details, input }: NodeProblem): string {
  const text = details !== '' && details !== input ? `${message} (${details})` : message;
  return input === undefined ? text : `${input}: ${text}`;
}

import { isObject } from '../../shared/json';
import { oneLine, textOf } from '../../shared/text';

/** One thing ComfyUI finds wrong with a node. */
export interface NodeProblem {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  /** The input it is about, where ComfyUI says so. */
  readonly input?: string;
}

export interface NodeErrors {
  readonly [nodeId: string]: { readonly classType: string; readonly problems: readonly NodeProblem[] };
}

/** ComfyUI's `node_errors` in our words; whatever does not have its shape is left out. */
export function parseNodeErrors(value: unknown): NodeErrors {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).flatMap(([nodeId, entry]) => {
    if (!isObject(entry) || !Array.isArray(entry.errors)) return [];
    const problems = entry.errors.filter(isObject).map(parseProblem);
    return [[nodeId, { classType: textOf(entry.class_type), problems }] as const];
  });
  return Object.fromEntries(entries);
}

/** One sentence a node: `Node 3 (KSampler): steps: Value 0 smaller than min of 1`. */
export function describeNodeErrors(errors: NodeErrors): string {
  const sentences = Object.entries(errors).map(([nodeId, { classType, problems }]) => {
    const what = problems.map(describeProblem).join('; ') || 'failed validation';
    return `Node ${nodeId} (${classType}): ${what}`;
  });
  return oneLine(sentences.join('. '), 2000);
}

function parseProblem(problem: Record<string, unknown>): NodeProblem {
  const extra = isObject(problem.extra_info) ? problem.extra_info : {};
  const input = typeof extra.input_name === 'string' ? { input: extra.input_name } : {};
  return { type: textOf(problem.type), message: textOf(problem.message), details: textOf(problem.details), ...input };
}

/** ComfyUI's details repeat the input's name, alone or in front of what was wrong with it. */
function describeProblem({ message, details, input }: NodeProblem): string {
  const told = details !== '' && details !== input ? `${message} (${details})` : message;
  return input === undefined ? told : `${input}: ${told}`;
}

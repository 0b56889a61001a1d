import type { Workflow } from './workflow';

/**
 * What a backend must have to run a workflow, and the models that it should have loaded.
 *
 * @publicApi
 */
export interface WorkflowRequirements {
  /** Node classes, sorted. */
  readonly classes: readonly string[];
  /** Labels that the backend must have, sorted. */
  readonly labels: readonly string[];
  /** Model files, sorted: a backend that used them last need not load them again. */
  readonly models: readonly string[];
}

const MODEL_FILE = /\.(?:safetensors|sft|ckpt|gguf|pt|pth|bin|onnx)$/i;

export function requirementsOf(workflow: Workflow, labels: readonly string[] = []): WorkflowRequirements {
  const nodes = Object.values(workflow);
  const models = nodes.flatMap(({ inputs }) => Object.values(inputs)).filter(isModelFile);
  return {
    classes: sortedUnique(nodes.map(({ class_type }) => class_type)),
    labels: sortedUnique(labels),
    models: sortedUnique(models),
  };
}

function isModelFile(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 500 && MODEL_FILE.test(value);
}

function sortedUnique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

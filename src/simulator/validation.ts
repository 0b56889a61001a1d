import { Faults } from './faults';
import { NodeValidation, ValidatedNode } from './node-validation';
import { findInstalledNode, findNode } from './nodes/catalogue';
import { Inventory } from './nodes/definition';
import { Protocol } from './options';
import { PythonError, pythonStr } from './python-values';
import { ApiError, isObject, NodeErrors, Prompt } from './wire';

export interface ValidationTools {
  inventory: Inventory;
  protocol: Protocol;
  faults: Faults;
}

export interface Validation {
  /** Absent if at least one output is valid: the prompt is accepted. */
  error?: ApiError;
  prompt: Prompt;
  outputs: string[];
  nodeErrors: Record<string, NodeErrors>;
}

const refusal = (error: ApiError, nodeErrors: Record<string, NodeErrors> = {}): Validation => ({
  error,
  prompt: {},
  outputs: [],
  nodeErrors,
});

/**
 * ComfyUI's validation of a graph before it queues it. Values are coerced in place (`"7"` becomes 7 for an INT). Invalid
 * outputs are left out if at least one is valid. Throws where ComfyUI answers 500: for a graph of the wrong shape.
 */
export function validatePrompt(
  prompt: unknown,
  targets: unknown,
  promptId: string,
  tools: ValidationTools,
): Validation {
  const nodes = asNodes(prompt);
  const outputs: string[] = [];
  for (const [id, node] of Object.entries(nodes)) {
    const error = classError(id, node, tools);
    if (error !== undefined) return refusal(error);
    if (findNode(node.class_type)?.isOutput === true && isTarget(id, targets)) outputs.push(id);
  }
  if (outputs.length === 0) {
    return refusal({ type: 'prompt_no_outputs', message: 'Prompt has no outputs', details: '', extra_info: {} });
  }
  return validateOutputs(nodes, outputs, promptId, tools);
}

function asNodes(prompt: unknown): Prompt {
  if (isObject(prompt)) return prompt as Prompt;
  const isEmpty = prompt === '' || (Array.isArray(prompt) && prompt.length === 0);
  if (isEmpty) return {};
  throw new PythonError('TypeError', 'the prompt is not an object');
}

function isTarget(id: string, targets: unknown): boolean {
  if (targets === undefined || targets === null) return true;
  if (Array.isArray(targets) || typeof targets === 'string') return targets.includes(id);
  throw new PythonError('TypeError', 'argument is not iterable');
}

function classError(id: string, node: unknown, { inventory, protocol }: ValidationTools): ApiError | undefined {
  if (node === null || typeof node === 'number' || typeof node === 'boolean') {
    throw new PythonError('TypeError', 'argument is not iterable');
  }
  const classType = isObject(node) ? node['class_type'] : undefined;
  if (isObject(classType) || Array.isArray(classType)) throw new PythonError('TypeError', 'unhashable type');
  if (findInstalledNode(classType, inventory) !== undefined) return undefined;
  const hasClass = isObject(node) && 'class_type' in node;
  const details = `Node ID '#${id}'`;
  if (protocol === '0.38') return missingNodeType(id, node, hasClass ? pythonStr(classType) : null, details);
  const message = hasClass
    ? `Cannot execute because node ${pythonStr(classType)} does not exist.`
    : 'Cannot execute because a node is missing the class_type property.';
  return { type: 'invalid_prompt', message, details, extra_info: {} };
}

function missingNodeType(id: string, node: unknown, classType: string | null, details: string): ApiError {
  const meta = isObject(node) && isObject(node['_meta']) ? node['_meta'] : {};
  const title = typeof meta['title'] === 'string' ? meta['title'] : classType;
  const message =
    classType === null
      ? `Node '${title ?? `ID #${id}`}' has no class_type. The workflow may be corrupted or a custom node is missing.`
      : `Node '${title}' not found. The custom node may not be installed.`;
  const extra_info = { node_id: id, class_type: classType, node_title: title };
  return { type: 'missing_node_type', message, details, extra_info };
}

function validateOutputs(prompt: Prompt, outputs: string[], promptId: string, tools: ValidationTools): Validation {
  const validation = new NodeValidation(prompt, tools.inventory, tools.protocol);
  const good: string[] = [];
  const reasons: ApiError[] = [];
  const nodeErrors: Record<string, NodeErrors> = {};
  for (const id of outputs) {
    const result = forcedError(prompt, id, promptId, tools, validation) ?? validation.validateOutput(id);
    if (result.valid) {
      good.push(id);
      continue;
    }
    reasons.push(...result.errors);
    attribute(id, prompt, validation.results, nodeErrors);
  }
  if (good.length > 0) return { prompt, outputs: good, nodeErrors };
  const details = reasons.map((error) => `${error.message}: ${error.details}`).join('\n');
  const message = 'Prompt outputs failed validation';
  return refusal({ type: 'prompt_outputs_failed_validation', message, details, extra_info: {} }, nodeErrors);
}

/** Lists every invalid node so far, with the output as one that depends on it. */
function attribute(
  output: string,
  prompt: Prompt,
  results: ReadonlyMap<string, ValidatedNode>,
  nodeErrors: Record<string, NodeErrors>,
): void {
  for (const [id, { valid, errors }] of results) {
    if (valid || errors.length === 0) continue;
    const class_type = prompt[id]?.class_type ?? '';
    (nodeErrors[id] ??= { errors: [...errors], dependent_outputs: [], class_type }).dependent_outputs.push(output);
  }
}

function forcedError(
  prompt: Prompt,
  nodeId: string,
  promptId: string,
  { faults }: ValidationTools,
  validation: NodeValidation,
): ValidatedNode | undefined {
  const classType = prompt[nodeId]?.class_type;
  const fault = faults.take('node-errors', { promptId, nodeId, classType });
  if (fault === undefined) return undefined;
  const details = fault.message ?? 'simulated - refused on demand';
  const error: ApiError = {
    type: 'custom_validation_failed',
    message: 'Custom validation failed for node',
    details,
    extra_info: { input_name: 'simulated' },
  };
  return validation.record(nodeId, [error]);
}

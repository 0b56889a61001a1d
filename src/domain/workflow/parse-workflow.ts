import { ComfyUIError, type ErrorDetails } from '../errors';
import { isObject } from '../../shared/json';
import { oneLine } from '../../shared/text';
import { keepNodeOrder } from './node-order';
import type { Workflow, WorkflowNode } from './workflow';

/** Fields of ComfyUI's `POST /prompt` body that a bare workflow may contain beside its nodes. */
const REQUEST_FIELDS = new Set([
  'prompt',
  'extra_data',
  'client_id',
  'prompt_id',
  'number',
  'front',
  'partial_execution_targets',
]);

/** Far above the nesting of any workflow, and below the limits of parsers, serializers and loggers. */
const MAX_DEPTH = 64;

/**
 * Checks that an untrusted value is a workflow in ComfyUI's API format and returns it without unrelated fields.
 * ComfyUI itself validates node classes and inputs.
 * @throws ComfyUIError `invalid_request`; the message says what to change
 */
export function parseWorkflow(value: unknown): Workflow {
  if (!isObject(value)) throw refuse(`A workflow is a JSON object of nodes, this is ${describe(value)}.`);
  refuseEditorFormat(value);
  const nodes = Object.entries(value).filter(([id, node]) => !REQUEST_FIELDS.has(id) || isNodeLike(node));
  if (nodes.length === 0) throw refuse('The workflow has no nodes.');
  return keepNodeOrder(value, Object.fromEntries(nodes.map(([id, node]) => [id, parseNode(id, node)])));
}

/** Returns the same object if it is complete: workflows are large and many are in memory at once. */
function parseNode(id: string, node: unknown): WorkflowNode {
  const name = oneLine(id, 60);
  const details = { nodeId: id };
  if (!isObject(node))
    throw refuse(`Node ${name} is ${describe(node)}: a node is an object with class_type and inputs.`, details);
  const { class_type, inputs = {}, ...rest } = node;
  if (typeof class_type !== 'string' || class_type === '') {
    throw refuse(`Node ${name} has no class_type: is this the API format?`, details);
  }
  if (!isObject(inputs)) throw refuse(`The inputs of node ${name} are ${describe(inputs)}, not an object.`, details);
  for (const [input, content] of Object.entries({ ...rest, ...inputs }))
    refuseUnsendable(content, { nodeId: id, input }, 0);
  return isComplete(node) ? node : { ...rest, class_type, inputs };
}

function isComplete(node: Record<string, unknown>): node is Record<string, unknown> & WorkflowNode {
  return isObject(node.inputs);
}

function isNodeLike(value: unknown): boolean {
  return isObject(value) && 'class_type' in value;
}

/** The editor saves `nodes` and `links` arrays with positions; only the frontend can convert them to a prompt. */
function refuseEditorFormat(value: Record<string, unknown>): void {
  if (!Array.isArray(value.nodes)) return;
  throw refuse(
    'This is a workflow as the ComfyUI editor saves it. The server runs the API format: in the editor choose ' +
      'Workflow > Export (API) (in older versions: Settings > enable Dev mode, then Save (API Format)) and send that file.',
  );
}

function refuseUnsendable(value: unknown, where: { nodeId: string; input: string }, depth: number): void {
  const input = `Input ${oneLine(where.input, 60)} of node ${oneLine(where.nodeId, 60)}`;
  if (depth > MAX_DEPTH) throw refuse(`${input} is nested too deeply.`, where);
  if (typeof value === 'number') refuseInexact(value, input, where);
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) refuseUnsendable(item, where, depth + 1);
  }
}

function refuseInexact(value: number, input: string, where: ErrorDetails): void {
  if (!Number.isFinite(value)) throw refuse(`${input} is not a finite number.`, where);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refuse(`${input} is an integer above 2^53 that lost digits on its way here: send it as a string.`, where);
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return 'a string (send the JSON object itself, not its text)';
  return `a ${typeof value}`;
}

function refuse(message: string, details?: ErrorDetails): ComfyUIError {
  return new ComfyUIError('invalid_request', message, { details });
}

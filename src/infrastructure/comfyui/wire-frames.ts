import type { PromptEvent } from '../../application/backends/comfyui-client';
import { isObject, parsePythonJson } from '../../shared/json';
import { textOf } from '../../shared/text';
import type { ExecutionFailure, NodeProgress, Preview } from '../../domain/job/run-event';

/** A parsed frame. `promptId` is null if the frame does not contain it. */
export type WireFrame =
  | { readonly about: 'status' }
  | { readonly about: 'run'; readonly promptId: string | null; readonly signal: PromptEvent };

type Fields = Record<string, unknown>;

/** Parses a text frame; undefined for unknown, malformed or irrelevant frames (custom nodes send any type). */
export function readTextFrame(text: string): WireFrame | undefined {
  const frame = parsed(text);
  if (!isObject(frame) || typeof frame.type !== 'string' || !isObject(frame.data)) return undefined;
  if (frame.type === 'status') return { about: 'status' };
  const signal = toSignal(frame.type, frame.data);
  return signal && { about: 'run', promptId: stringOrNull(frame.data.prompt_id), signal };
}

/** Parses a binary preview frame. Type 1 has no ids, type 4 has metadata with them. All integers are big-endian. */
export function readBinaryFrame(frame: Buffer): WireFrame | undefined {
  if (frame.length < 8) return undefined;
  const type = frame.readUInt32BE(0);
  if (type === 1) {
    const mediaType = frame.readUInt32BE(4) === 2 ? 'image/png' : 'image/jpeg';
    return previewFrame(null, { mediaType, image: frame.subarray(8), nodeId: null });
  }
  const imageStart = 8 + frame.readUInt32BE(4);
  if (type !== 4 || imageStart > frame.length) return undefined;
  const metadata = parsed(frame.toString('utf8', 8, imageStart));
  if (!isObject(metadata)) return undefined;
  const mediaType = metadata.image_type === 'image/png' ? 'image/png' : 'image/jpeg';
  const nodeId = stringOrNull(metadata.display_node_id) ?? stringOrNull(metadata.node_id);
  return previewFrame(stringOrNull(metadata.prompt_id), { mediaType, image: frame.subarray(imageStart), nodeId });
}

function previewFrame(promptId: string | null, preview: Preview): WireFrame {
  return { about: 'run', promptId, signal: { kind: 'preview', preview } };
}

function toSignal(type: string, data: Fields): PromptEvent | undefined {
  switch (type) {
    case 'execution_start':
      return { kind: 'started' };
    case 'execution_cached':
      return { kind: 'cached', nodeIds: strings(data.nodes) };
    case 'executing':
      return executing(data);
    case 'progress':
      return step(data);
    case 'progress_state':
      return { kind: 'nodes', nodes: nodeStates(data.nodes) };
    case 'executed':
      return { kind: 'executed', nodeId: textOf(data.display_node ?? data.node), output: data.output };
    case 'execution_success':
      return { kind: 'ended', outcome: { kind: 'succeeded' } };
    case 'execution_interrupted':
      return { kind: 'ended', outcome: { kind: 'interrupted' } };
    case 'execution_error':
      return isTerminal(data) ? { kind: 'ended', outcome: { kind: 'failed', failure: toFailure(data) } } : undefined;
    default:
      return undefined;
  }
}

/** ComfyUI reports a node that blocks execution as an error although the run continues to success. */
function isTerminal(error: Fields): boolean {
  return error.exception_type !== 'ExecutionBlocked';
}

export function toFailure(error: Fields): ExecutionFailure {
  return {
    nodeId: textOf(error.node_id),
    classType: textOf(error.node_type),
    message: textOf(error.exception_message),
    exceptionType: textOf(error.exception_type),
    traceback: strings(error.traceback),
  };
}

function executing(data: Fields): PromptEvent | undefined {
  if (data.node === null) return { kind: 'finished' };
  const nodeId = stringOrNull(data.display_node) ?? stringOrNull(data.node);
  return nodeId === null ? undefined : { kind: 'executing', nodeId };
}

function step({ node, value, max }: Fields): PromptEvent | undefined {
  if (typeof node !== 'string' || typeof value !== 'number' || typeof max !== 'number') return undefined;
  return { kind: 'step', nodeId: node, value, max };
}

function nodeStates(nodes: unknown): NodeProgress[] {
  const states = isObject(nodes) ? Object.entries(nodes) : [];
  return states.flatMap(([nodeId, state]) => {
    if (!isObject(state) || typeof state.value !== 'number' || typeof state.max !== 'number') return [];
    return [{ nodeId, finished: state.state === 'finished', value: state.value, max: state.max }];
  });
}

function parsed(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}

export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

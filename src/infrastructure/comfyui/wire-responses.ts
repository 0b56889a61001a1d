import type { HistoryRecord, PromptState, Submission } from '../../application/backends/comfyui-client';
import type { Device, ServerStatus } from '../../domain/backend';
import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';
import type { RunOutcome } from '../../domain/job/run-event';
import { oneLine, textOf } from '../../shared/text';
import { describeNodeErrors, parseNodeErrors } from '../../domain/workflow/node-errors';
import { strings, toFailure } from './wire-frames';

type Fields = Record<string, unknown>;

/** Parses the 200 response of `POST /prompt`; undefined if it does not come from ComfyUI. */
export function readSubmission(body: unknown): Omit<Submission, 'clientId'> | undefined {
  if (!isObject(body) || typeof body.prompt_id !== 'string') return undefined;
  const number = typeof body.number === 'number' ? body.number : null;
  return { promptId: body.prompt_id, number, nodeErrors: parseNodeErrors(body.node_errors) };
}

/** Parses the 400 response of `POST /prompt`; undefined if it does not come from ComfyUI. */
export function readRefusal(body: unknown): ComfyUIError | undefined {
  if (!isObject(body) || !isObject(body.error)) return undefined;
  const { type, message, details } = body.error;
  const nodeErrors = parseNodeErrors(body.node_errors);
  const general = describeRefusal(textOf(message), textOf(details));
  const perNode = describeNodeErrors(nodeErrors);
  const sentence = perNode === '' ? general : perNode;
  return new ComfyUIError('invalid_workflow', `ComfyUI refused the workflow. ${sentence}`, {
    details: { type, message: general, nodeErrors },
  });
}

/** ComfyUI refuses a malformed graph for its first invalid node, which only `details` names. */
function describeRefusal(message: string, details: string): string {
  const nodeId = /^Node ID '#(.*)'$/.exec(details)?.[1];
  if (nodeId !== undefined) return oneLine(`Node ${nodeId}: ${message}`);
  return oneLine(details === '' ? message : `${message}: ${details}`);
}

/** Parses the entry of a prompt in `GET /history/{id}`; undefined if there is none. */
export function readHistory(body: unknown, promptId: string): HistoryRecord | undefined {
  const entry = isObject(body) ? body[promptId] : undefined;
  if (!isObject(entry)) return undefined;
  const status = isObject(entry.status) ? entry.status : {};
  const messages = readMessages(status.messages);
  const cached = messages.find(([name]) => name === 'execution_cached')?.[1].nodes;
  const outputs = new Map(Object.entries(isObject(entry.outputs) ? entry.outputs : {}));
  return { outcome: readOutcome(status, messages), outputs, cached: strings(cached) };
}

/**
 * The messages of the run take precedence: `status_str` is `error` for interrupted runs as well, and keeps the value of an
 * older run after a dependency cycle at run time.
 */
function readOutcome(status: Fields, messages: readonly (readonly [string, Fields])[]): RunOutcome {
  for (const [name, data] of messages.toReversed()) {
    if (name === 'execution_success') return { kind: 'succeeded' };
    if (name === 'execution_interrupted') return { kind: 'interrupted' };
    if (name === 'execution_error' && data.exception_type !== 'ExecutionBlocked')
      return { kind: 'failed', failure: toFailure(data) };
  }
  if (status.status_str !== 'error') return { kind: 'succeeded' };
  return {
    kind: 'failed',
    failure: toFailure({ exception_message: 'ComfyUI reports a failed run without a reason.' }),
  };
}

function readMessages(messages: unknown): (readonly [string, Fields])[] {
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: unknown) => {
    if (!Array.isArray(message) || typeof message[0] !== 'string') return [];
    return [[message[0], isObject(message[1]) ? message[1] : {}] as const];
  });
}

/** `GET /queue`: prompt ids in the order of execution. ComfyUI sends the pending ones as an unsorted heap. */
export interface Queue {
  readonly running: readonly string[];
  readonly pending: readonly string[];
}

export function readQueue(body: unknown): Queue {
  if (!isObject(body)) return { running: [], pending: [] };
  const running = readItems(body.queue_running);
  const pending = readItems(body.queue_pending);
  pending.sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1));
  return { running: running.map(({ id }) => id), pending: pending.map(({ id }) => id) };
}

function readItems(items: unknown): { number: number; id: string }[] {
  if (!Array.isArray(items)) return [];
  return items.filter(Array.isArray).map(([number, id]: unknown[]) => ({ number: Number(number), id: String(id) }));
}

/** The position of a prompt in the queue; undefined if it is not queued. */
export function findInQueue({ running, pending }: Queue, promptId: string): PromptState | undefined {
  if (running.includes(promptId)) return { state: 'running' };
  const index = pending.indexOf(promptId);
  return index < 0 ? undefined : { state: 'pending', ahead: index + running.length, idle: running.length === 0 };
}

/** Parses `GET /system_stats`; undefined if the response does not come from ComfyUI. */
export function readSystemStats(body: unknown): Pick<ServerStatus, 'version' | 'devices'> | undefined {
  if (!isObject(body) || !isObject(body.system)) return undefined;
  const version = body.system.comfyui_version;
  const devices = Array.isArray(body.devices) ? body.devices.filter(isObject).map(readDevice) : [];
  return { version: typeof version === 'string' ? oneLine(version, 50) : undefined, devices };
}

function readDevice({ name, type, vram_total, vram_free }: Fields): Device {
  return {
    name: oneLine(textOf(name), 200),
    type: oneLine(textOf(type), 50),
    memoryTotal: typeof vram_total === 'number' ? vram_total : null,
    memoryFree: typeof vram_free === 'number' ? vram_free : null,
  };
}

import type { HistoryRecord, PromptState, Submission } from '../../application/backends/comfyui-client';
import type { Device, ServerStatus } from '../../domain/backend';
import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';
import type { RunOutcome } from '../../domain/job/run-event';
import { oneLine, textOf } from '../../shared/text';
import { describeNodeErrors, parseNodeErrors } from '../../domain/workflow/node-errors';
import { strings, toFailure } from './wire-frames';

type Fields = Record<string, unknown>;

/** The 200 of `POST /prompt`; undefined when it is not ComfyUI's. */
export function readSubmission(answer: unknown): Omit<Submission, 'clientId'> | undefined {
  if (!isObject(answer) || typeof answer.prompt_id !== 'string') return undefined;
  const number = typeof answer.number === 'number' ? answer.number : null;
  return { promptId: answer.prompt_id, number, nodeErrors: parseNodeErrors(answer.node_errors) };
}

/** The 400 of `POST /prompt`; undefined when it is not ComfyUI's. */
export function readRefusal(answer: unknown): ComfyUIError | undefined {
  if (!isObject(answer) || !isObject(answer.error)) return undefined;
  const { type, message, details } = answer.error;
  const nodeErrors = parseNodeErrors(answer.node_errors);
  const general = describeRefusal(textOf(message), textOf(details));
  const perNode = describeNodeErrors(nodeErrors);
  const sentence = perNode === '' ? general : perNode;
  return new ComfyUIError('invalid_workflow', `ComfyUI refused the workflow. ${sentence}`, {
    details: { type, message: general, nodeErrors },
  });
}

/** A graph that can not be taken apart is refused for its first bad node, which only the details name. */
function describeRefusal(message: string, details: string): string {
  const nodeId = /^Node ID '#(.*)'$/.exec(details)?.[1];
  if (nodeId !== undefined) return oneLine(`Node ${nodeId}: ${message}`);
  return oneLine(details === '' ? message : `${message}: ${details}`);
}

/** The entry of a prompt in `GET /history/{id}`; undefined while there is none. */
export function readHistory(answer: unknown, promptId: string): HistoryRecord | undefined {
  const entry = isObject(answer) ? answer[promptId] : undefined;
  if (!isObject(entry)) return undefined;
  const status = isObject(entry.status) ? entry.status : {};
  const messages = readMessages(status.messages);
  const cached = messages.find(([name]) => name === 'execution_cached')?.[1].nodes;
  const outputs = new Map(Object.entries(isObject(entry.outputs) ? entry.outputs : {}));
  return { outcome: readOutcome(status, messages), outputs, cached: strings(cached) };
}

/**
 * The messages of the run come first: `status_str` says `error` for an interrupted run too, and keeps an older run's
 * value after a dependency cycle at run time.
 */
function readOutcome(status: Fields, messages: readonly (readonly [string, Fields])[]): RunOutcome {
  for (const [name, data] of messages.toReversed()) {
    if (name === 'execution_success') return { kind: 'succeeded' };
    if (name === 'execution_interrupted') return { kind: 'interrupted' };
    if (name === 'execution_error' && data.exception_type !== 'ExecutionBlocked')
      return { kind: 'failed', failure: toFailure(data) };
  }
  if (status.status_str !== 'error') return { kind: 'succeeded' };
  return { kind: 'failed', failure: toFailure({ exception_message: 'ComfyUI says the run failed, not why.' }) };
}

function readMessages(messages: unknown): (readonly [string, Fields])[] {
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: unknown) => {
    if (!Array.isArray(message) || typeof message[0] !== 'string') return [];
    return [[message[0], isObject(message[1]) ? message[1] : {}] as const];
  });
}

/** `GET /queue`: ids in the order they will run. The wire gives the waiting ones as a heap, unsorted. */
export interface Queue {
  readonly running: readonly string[];
  readonly pending: readonly string[];
}

export function readQueue(answer: unknown): Queue {
  if (!isObject(answer)) return { running: [], pending: [] };
  const running = readItems(answer.queue_running);
  const pending = readItems(answer.queue_pending);
  pending.sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1));
  return { running: running.map(({ id }) => id), pending: pending.map(({ id }) => id) };
}

function readItems(items: unknown): { number: number; id: string }[] {
  if (!Array.isArray(items)) return [];
  return items.filter(Array.isArray).map(([number, id]: unknown[]) => ({ number: Number(number), id: String(id) }));
}

/** Where a prompt stands in the queue; undefined when it is not in it. */
export function findInQueue({ running, pending }: Queue, promptId: string): PromptState | undefined {
  if (running.includes(promptId)) return { state: 'running' };
  const place = pending.indexOf(promptId);
  return place < 0 ? undefined : { state: 'pending', ahead: place + running.length, idle: running.length === 0 };
}

/** `GET /system_stats`; undefined when it is not ComfyUI's. */
export function readSystemStats(answer: unknown): Pick<ServerStatus, 'version' | 'devices'> | undefined {
  if (!isObject(answer) || !isObject(answer.system)) return undefined;
  const version = answer.system.comfyui_version;
  const devices = Array.isArray(answer.devices) ? answer.devices.filter(isObject).map(readDevice) : [];
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

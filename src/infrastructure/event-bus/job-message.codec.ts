import { isJobId } from '../job-id';
import { isObject, parseJson, stringifyJson } from '../../shared/json';
import { type CollectedFile, hasEnded, type Job } from '../../domain/job/job';
import { decodeJob, encodeJob, isFile } from '../../domain/job/job.codec';
import type { Preview } from '../../domain/job/run-event';

/** Messages of any other version are ignored. */
const VERSION = 2;
const NEWLINE = 0x0a;

/** A preview without its bytes. */
export interface PreviewHeader extends Omit<Preview, 'image'> {
  /** Unique for each preview. */
  readonly id: string;
}

export interface SnapshotMessage {
  readonly kind: 'snapshot';
  readonly job: Job;
  readonly preview?: PreviewHeader;
}

/** What the subscribers of one job receive. */
export type JobMessage =
  | SnapshotMessage
  /** The job changed, and is too large for a message. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'file'; readonly file: CollectedFile };

/** What every process receives. */
export type ProcessMessage = { readonly kind: 'work' } | { readonly kind: 'cancellation'; readonly jobId: string };

export type BusMessage = JobMessage | ProcessMessage;

/** One line of JSON: without line breaks, so that bytes may follow after one. */
export function encodeMessage(message: BusMessage): string {
  const { kind } = message;
  const content = kind === 'snapshot' ? { ...message, job: encodeJob(message.job) } : message;
  return stringifyJson({ version: VERSION, ...content });
}

/** @returns undefined for a message of another version, and for anything else */
export function decodeMessage(line: string): BusMessage | undefined {
  const message = parsed(line);
  if (!isObject(message) || message.version !== VERSION) return undefined;
  const { kind, file, jobId } = message;
  if (kind === 'snapshot') return snapshotOf(message);
  if (kind === 'changed' || kind === 'work') return { kind };
  if (kind === 'file') return isFile(file) ? { kind, file } : undefined;
  if (kind === 'cancellation') return typeof jobId === 'string' && isJobId(jobId) ? { kind, jobId } : undefined;
  return undefined;
}

/** @returns undefined also for the snapshot of another job */
export function decodeSnapshot(jobId: string, line: string): SnapshotMessage | undefined {
  const message = decodeMessage(line);
  return message?.kind === 'snapshot' && message.job.id === jobId ? message : undefined;
}

/** A line, followed by bytes that belong to it. */
export function joinBytes(line: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${line}\n`), bytes]);
}

/** The bytes are a copy: the buffer in which they arrive is much larger. */
export function splitBytes(message: Buffer): { readonly line: string; readonly bytes?: Buffer } {
  const end = message.indexOf(NEWLINE);
  if (end < 0) return { line: message.toString() };
  return { line: message.toString('utf8', 0, end), bytes: Buffer.from(message.subarray(end + 1)) };
}

/** A job that has ended has no preview. */
function snapshotOf({ job: json, preview }: Record<string, unknown>): SnapshotMessage | undefined {
  const job = decodeJob(json);
  if (!job) return undefined;
  if (preview === undefined) return { kind: 'snapshot', job };
  return isPreviewHeader(preview) && !hasEnded(job) ? { kind: 'snapshot', job, preview } : undefined;
}

function isPreviewHeader(value: unknown): value is PreviewHeader {
  if (!isObject(value)) return false;
  const { id, mediaType, nodeId } = value;
  const isImage = mediaType === 'image/jpeg' || mediaType === 'image/png';
  return typeof id === 'string' && isImage && (nodeId === null || typeof nodeId === 'string');
}

function parsed(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return undefined;
  }
}

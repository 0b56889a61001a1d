import type { JobSnapshot } from '../../../application/jobs/job-event-bus';
import { isObject } from '../../../shared/json';
import { hasEnded, type Job } from '../../../domain/job/job';
import type { Preview } from '../../../domain/job/run-event';
import { readTold, writeTold } from '../../job-message.codec';

const NEWLINE = 0x0a;

/** What is said of a picture beside its bytes. */
export interface PictureNote extends Omit<Preview, 'image'> {
  /** Another for each picture. */
  readonly id: string;
}

/** How a job is, as it goes by the wire. */
export interface JobNote {
  readonly job: Job;
  readonly picture?: PictureNote;
}

/** One line of JSON: without line breaks, so that bytes may follow after one. */
export function writeNote({ job, picture }: JobNote): string {
  return writeTold(job, { picture });
}

/** Undefined of what nobody of this version wrote. */
export function readNote(line: string): JobNote | undefined {
  const told = readTold(line);
  if (!told) return undefined;
  const { job, rest } = told;
  if (rest.picture === undefined) return { job };
  return isPictureNote(rest.picture) && !hasEnded(job) ? { job, picture: rest.picture } : undefined;
}

/** The line, and the bytes that go with it. */
export function withBytes(line: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${line}\n`), bytes]);
}

/** Without bytes where none follow. They are a copy: what they came in is much larger. */
export function withoutBytes(frame: Buffer): { readonly line: string; readonly bytes?: Buffer } {
  const end = frame.indexOf(NEWLINE);
  if (end < 0) return { line: frame.toString() };
  return { line: frame.toString('utf8', 0, end), bytes: Buffer.from(frame.subarray(end + 1)) };
}

/** An ended job has no node at work. */
export function previewOf({ job, preview }: JobSnapshot): Preview | undefined {
  return hasEnded(job) ? undefined : preview;
}

function isPictureNote(value: unknown): value is PictureNote {
  if (!isObject(value)) return false;
  const { id, mediaType, nodeId } = value;
  const isPicture = mediaType === 'image/jpeg' || mediaType === 'image/png';
  return typeof id === 'string' && isPicture && (nodeId === null || typeof nodeId === 'string');
}

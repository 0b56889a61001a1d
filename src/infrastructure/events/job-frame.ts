import type { JobSnapshot } from '../../application/ports/job-news';
import { ComfyUIError } from '../../domain/errors';
import { isObject, parseJson, stringifyJson } from '../../domain/json';
import { hasEnded, type Job } from '../../domain/job/job';
import type { Preview } from '../../domain/job/run-event';
import { isToldJob, JOB_FIELDS, type ToldJob } from './job-shape';

/** Of another one we understand nothing. */
const VERSION = 1;
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
  return stringifyJson({ version: VERSION, job: told(job), picture });
}

/** Undefined of what nobody of this version wrote. */
export function readNote(line: string): JobNote | undefined {
  const note = parsed(line);
  if (!isObject(note) || note.version !== VERSION || !isToldJob(note.job)) return undefined;
  const job = heard(note.job);
  if (note.picture === undefined) return { job };
  return isPictureNote(note.picture) && !hasEnded(job) ? { job, picture: note.picture } : undefined;
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

function told(job: Job): object {
  const { error } = job;
  const fields = Object.fromEntries(JOB_FIELDS.map((field) => [field, job[field]]));
  return {
    ...fields,
    error: error && { code: error.code, message: error.message, details: error.details, jobId: error.jobId },
  };
}

function heard(job: ToldJob): Job {
  const known = JOB_FIELDS.filter((field) => job[field] !== undefined).map((field) => [field, job[field]]);
  const { error, ...rest } = Object.fromEntries(known) as ToldJob;
  if (!error) return rest;
  const { code, message, details, jobId } = error;
  return { ...rest, error: new ComfyUIError(code, message, { details, jobId }) };
}

function isPictureNote(value: unknown): value is PictureNote {
  if (!isObject(value)) return false;
  const { id, mediaType, nodeId } = value;
  const isPicture = mediaType === 'image/jpeg' || mediaType === 'image/png';
  return typeof id === 'string' && isPicture && (nodeId === null || typeof nodeId === 'string');
}

function parsed(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return undefined;
  }
}

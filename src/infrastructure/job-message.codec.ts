import { ComfyUIError } from '../domain/errors';
import { isObject, parseJson, stringifyJson } from '../shared/json';
import type { CollectedFile, Job } from '../domain/job/job';
import { isToldFile, isToldJob, JOB_FIELDS, type ToldJob } from './job-shape';

/** Of another one we understand nothing. */
const VERSION = 1;

/** A job as processes tell one another of it: one line of JSON, without line breaks. @param rest what is said beside */
export function writeTold(job: Job, rest: object = {}): string {
  return stringifyJson({ version: VERSION, job: told(job), ...rest });
}

/** Undefined of what nobody of this version wrote. */
export function readTold(line: string): { readonly job: Job; readonly rest: Record<string, unknown> } | undefined {
  const note = parsed(line);
  if (!isObject(note) || note.version !== VERSION || !isToldJob(note.job)) return undefined;
  const { version: _version, job: _job, ...rest } = note;
  return { job: heard(note.job), rest };
}

/** As {@link writeTold}, of a file that a job will have. */
export function writeForetold(file: CollectedFile): string {
  return stringifyJson({ version: VERSION, file });
}

/** Undefined of what nobody of this version wrote. */
export function readForetold(line: string): CollectedFile | undefined {
  const note = parsed(line);
  return isObject(note) && note.version === VERSION && isToldFile(note.file) ? note.file : undefined;
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

function parsed(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return undefined;
  }
}

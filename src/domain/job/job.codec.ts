import { isObject } from '../../shared/json';
import { ComfyUIError, type ErrorCode, ERROR_CODES } from '../errors';
import { type CollectedFile, DEFAULT_JOB_OPTIONS, type Job, JOB_STATUSES } from './job';

/** A job as plain JSON: the one format in which it is stored, and sent between processes. */
export type JobJson = Readonly<Record<string, unknown>>;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isFinite(value);
const isBoolean: Check = (value) => typeof value === 'boolean';
const isTextOrNull: Check = (value) => value === null || isText(value);
const isNumberOrNull: Check = (value) => value === null || isNumber(value);
const isOptionalNumber: Check = (value) => value === undefined || isNumber(value);
const isListOfObjects: Check = (value) => Array.isArray(value) && value.every(isObject);

/** What a job must have to be worked with. Options have defaults, so that jobs of earlier versions are read. */
const SHAPE: Readonly<Record<keyof Job, Check>> = {
  id: isText,
  revision: isNumber,
  priority: isNumber,
  allowPartial: isBoolean,
  keepPreviews: isBoolean,
  label: isTextOrNull,
  status: (value) => JOB_STATUSES.some((status) => status === value),
  requirements: (value) => isObject(value) && [value.classes, value.labels, value.models].every(Array.isArray),
  seeds: isListOfObjects,
  backend: isTextOrNull,
  fencingToken: isNumber,
  attempts: isListOfObjects,
  acceptance: (value) => value === undefined || (isObject(value) && isObject(value.nodeErrors)),
  cancelRequested: isBoolean,
  progress: (value) => isObject(value) && isNumber(value.value),
  outputs: (value) => isListOfObjects(value) && (value as object[]).every(isFile),
  texts: isListOfObjects,
  nodeDurations: isObject,
  error: (value) => value === undefined || (isObject(value) && isText(value.message) && isErrorCode(value.code)),
  queuedAt: isNumber,
  startBy: isNumberOrNull,
  startedAt: isOptionalNumber,
  endedAt: isOptionalNumber,
};

/** The fields of a job; without those that a running job has besides. */
const FIELDS = [...Object.keys(DEFAULT_JOB_OPTIONS), ...Object.keys(SHAPE)] as readonly (keyof Job)[];

export function encodeJob(job: Job): JobJson {
  const fields = FIELDS.flatMap((name) => (job[name] === undefined ? [] : [[name, job[name]]]));
  return { ...Object.fromEntries(fields), ...(job.error && { error: encodeError(job.error) }) };
}

/** @returns undefined for a value that is not a job; unknown fields are kept */
export function decodeJob(value: unknown): Job | undefined {
  if (!isObject(value)) return undefined;
  // Version 0.1 stores the requirements as `needs`.
  const { needs, ...rest } = value;
  const json = { ...DEFAULT_JOB_OPTIONS, requirements: needs, ...rest };
  return isJobJson(json) ? withError(json) : undefined;
}

/** Whether a value is the JSON of a collected file. */
export function isFile(value: unknown): value is CollectedFile {
  if (!isObject(value)) return false;
  const { assetId, sha256, nodeId, filename, subfolder, mediaType, sizeBytes } = value;
  return [assetId, sha256, nodeId, filename, subfolder, mediaType].every(isText) && isNumber(sizeBytes);
}

function isJobJson(json: Record<string, unknown>): json is Record<string, unknown> & Omit<Job, 'error'> {
  return Object.entries(SHAPE).every(([name, check]) => check(json[name]));
}

function withError({ error, ...job }: Omit<Job, 'error'> & { readonly error?: unknown }): Job {
  if (!isObject(error) || !isErrorCode(error.code)) return job;
  const { code, message, details, jobId } = error;
  const options = {
    ...(isObject(details) && { details }),
    ...(typeof jobId === 'string' && { jobId }),
  };
  return { ...job, error: new ComfyUIError(code, String(message), options) };
}

function encodeError({ code, message, details, jobId }: ComfyUIError): JobJson {
  return { code, message, details, jobId };
}

function isErrorCode(value: unknown): value is ErrorCode {
  return ERROR_CODES.some((code) => code === value);
}

import { type ComfyUIError, ERROR_CODES } from '../domain/errors';
import { isObject } from '../shared/json';
import { type Acceptance, type Attempt, type CollectedFile, type Job, JOB_STATUSES } from '../domain/job/job';
import type { OutputText } from '../domain/job/outputs';
import type { Progress } from '../domain/job/progress';
import type { WorkflowRequirements } from '../domain/workflow/requirements';
import type { NodeErrors, NodeProblem } from '../domain/workflow/node-errors';
import type { Seed } from '../domain/workflow/seeds';

type Check = (value: unknown) => boolean;
/** Each field is named, so that a new one can not be forgotten. */
type Fields<T> = { readonly [Field in keyof Required<T>]: Check };

/** What an error is written as. */
export type ToldError = Pick<ComfyUIError, 'code' | 'message' | 'details' | 'jobId'>;
/** What a job is written as. */
export type ToldJob = Omit<Job, 'error'> & { readonly error?: ToldError };

const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const number: Check = (value) => Number.isFinite(value);
const count: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const object: Check = isObject;
const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const mapOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);

function shaped<T>(fields: Fields<T>): Check {
  const checks = Object.entries<Check>(fields);
  return (value) => isObject(value) && checks.every(([name, check]) => check(value[name]));
}

const requirements = shaped<WorkflowRequirements>({
  classes: listOf(text),
  labels: listOf(text),
  models: listOf(text),
});
const seed = shaped<Seed>({ nodeId: text, value: text });
const outputText = shaped<OutputText>({ nodeId: text, text });
const attempt = shaped<Attempt>({
  number: count,
  backend: text,
  promptId: text,
  clientId: orNull(text),
  handedAt: number,
  startedAt: optional(number),
  endedAt: optional(number),
  error: optional(shaped<NonNullable<Attempt['error']>>({ code: text, message: text })),
});
const problem = shaped<NodeProblem>({ type: text, message: text, details: text, input: optional(text) });
const acceptance = shaped<Acceptance>({
  number: orNull(number),
  nodeErrors: mapOf(shaped<NodeErrors[string]>({ classType: text, problems: listOf(problem) })),
});
const progress = shaped<Progress>({
  value: number,
  nodesDone: count,
  nodesTotal: count,
  currentNode: orNull(text),
  currentNodeClass: orNull(text),
  step: orNull(number),
  steps: orNull(number),
});
const file = shaped<CollectedFile>({
  assetId: text,
  sha256: text,
  nodeId: text,
  filename: text,
  subfolder: text,
  type: oneOf(['output', 'input', 'temp']),
  mediaType: text,
  sizeBytes: count,
  width: optional(number),
  height: optional(number),
  durationSeconds: optional(number),
});
const error = shaped<ToldError>({
  code: oneOf(ERROR_CODES),
  message: text,
  details: optional(object),
  jobId: optional(text),
});

const FIELDS: Fields<Job> = {
  id: text,
  revision: count,
  status: oneOf(JOB_STATUSES),
  priority: number,
  allowPartial: flag,
  keepPreviews: flag,
  label: orNull(text),
  requirements,
  seeds: listOf(seed),
  backend: orNull(text),
  fencingToken: count,
  attempts: listOf(attempt),
  acceptance: optional(acceptance),
  cancelRequested: flag,
  progress,
  outputs: listOf(file),
  texts: listOf(outputText),
  nodeDurations: mapOf(number),
  error: optional(error),
  queuedAt: number,
  startBy: orNull(number),
  startedAt: optional(number),
  endedAt: optional(number),
};

export const isToldFile = file as (value: unknown) => value is CollectedFile;

export const JOB_FIELDS = Object.keys(FIELDS) as readonly (keyof Job)[];

/** Whether all is there that we rely on; a newer version of the software may tell more. */
export const isToldJob = shaped<Job>(FIELDS) as (value: unknown) => value is ToldJob;

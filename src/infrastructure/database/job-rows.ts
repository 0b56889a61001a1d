import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import { requirementsKey } from '../../application/jobs/requirements-key';
import { PRIORITY_STEP_MS } from '../../application/jobs/job-queue';
import type { Idempotency } from '../../application/jobs/job-repository';
import { ComfyUIError } from '../../domain/errors';
import { parseJson, stringifyJson } from '../../shared/json';
import type { Job, JobStatus } from '../../domain/job/job';
import type { JobsTable } from './tables';

export type JobRow = Selectable<JobsTable>;

type InColumns =
  | 'id'
  | 'status'
  | 'revision'
  | 'fencingToken'
  | 'priority'
  | 'backend'
  | 'cancelRequested'
  | 'queuedAt'
  | 'startBy'
  | 'startedAt'
  | 'endedAt';

const COLUMNS: Readonly<Record<keyof JobRow, true>> = {
  id: true,
  status: true,
  revision: true,
  fencing_token: true,
  write_id: true,
  priority: true,
  queue_order: true,
  rank: true,
  queued_at: true,
  start_by: true,
  started_at: true,
  ended_at: true,
  backend: true,
  requirements_key: true,
  idempotency_key: true,
  request_hash: true,
  cancel_requested: true,
  record: true,
};

/** All, by their names: a plan that is kept must answer the same when a migration has added one. */
export const JOB_COLUMNS = (Object.keys(COLUMNS) as (keyof JobRow)[]).map((name) => `jobs.${name}` as const);

/** What of a job has no column of its own. Each field is named, so that a new one can not be forgotten. */
type JobRecord = { readonly [Field in keyof Required<Omit<Job, InColumns | 'error' | 'requirements'>>]: Job[Field] } & {
  /** The name of version 0.1. */
  readonly needs: Job['requirements'];
  readonly error: StoredError | undefined;
};

type StoredError = Pick<ComfyUIError, 'code' | 'message' | 'details' | 'jobId'>;

/** @param order its `queue_order` */
export function newRow(job: Job, order: number, idempotency?: Idempotency): JobRow {
  return {
    id: job.id,
    priority: job.priority,
    queued_at: job.queuedAt,
    requirements_key: requirementsKey(job.requirements),
    ...changingColumns(job),
    write_id: null,
    queue_order: order,
    rank: order - job.priority * PRIORITY_STEP_MS * 1000,
    idempotency_key: idempotency ? hash(idempotency.key) : null,
    request_hash: idempotency?.requestHash ?? null,
  };
}

export function changingColumns(job: Job) {
  return {
    status: job.status,
    revision: job.revision,
    fencing_token: job.fencingToken,
    backend: job.backend,
    cancel_requested: job.cancelRequested ? 1 : 0,
    start_by: job.startBy,
    started_at: job.startedAt ?? null,
    ended_at: job.endedAt ?? null,
    record: stringifyJson(recordOf(job)),
  };
}

export function toJob(row: JobRow): Job {
  const { error, needs, ...record } = parseJson(row.record) as JobRecord;
  return {
    ...record,
    requirements: needs,
    id: row.id,
    status: statusOf(row),
    cancelRequested: row.cancel_requested === 1,
    revision: row.revision,
    fencingToken: row.fencing_token,
    priority: row.priority,
    backend: row.backend,
    queuedAt: row.queued_at,
    startBy: row.start_by,
    ...(row.started_at !== null && { startedAt: row.started_at }),
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(error && { error: new ComfyUIError(error.code, error.message, error) }),
  };
}

/** Who runs it may not have heard yet that it is to be canceled. */
function statusOf({ status, cancel_requested: toCancel }: JobRow): JobStatus {
  return status === 'running' && toCancel === 1 ? 'canceling' : status;
}

/** Of any text a short one that every column takes. */
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function recordOf(job: Job): JobRecord {
  const { error } = job;
  return {
    allowPartial: job.allowPartial,
    keepPreviews: job.keepPreviews,
    label: job.label,
    needs: job.requirements,
    seeds: job.seeds,
    attempts: job.attempts,
    acceptance: job.acceptance,
    progress: job.progress,
    outputs: job.outputs,
    texts: job.texts,
    nodeDurations: job.nodeDurations,
    error: error && { code: error.code, message: error.message, details: error.details, jobId: error.jobId },
  };
}

import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import { type Idempotency, PRIORITY_STEP_MS } from '../../application/jobs/job-repository';
import { requirementsKey } from './requirements-key';
import { ComfyUIError } from '../../domain/errors';
import type { Job, JobStatus } from '../../domain/job/job';
import { decodeJob, encodeJob } from '../../domain/job/job.codec';
import { isObject, parseJson, stringifyJson } from '../../shared/json';
import type { JobsTable } from './tables';

export type JobRow = Selectable<JobsTable>;

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

/** All columns by name: the result type of a prepared query must not change when a migration adds one. */
export const JOB_COLUMNS = (Object.keys(COLUMNS) as (keyof JobRow)[]).map((name) => `jobs.${name}` as const);

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
    record: writeRecord(job),
  };
}

/** @throws ComfyUIError `storage_failed` for a row that is not a job */
export function toJob(row: JobRow): Job {
  const record = parseJson(row.record);
  const job = decodeJob({
    ...(isObject(record) && record),
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
  });
  if (!job) throw new ComfyUIError('storage_failed', `The job database holds an unreadable job: ${row.id}.`);
  return job;
}

/** The backend of the job may not have received the cancellation yet. */
function statusOf({ status, cancel_requested: cancelRequested }: JobRow): JobStatus {
  return status === 'running' && cancelRequested === 1 ? 'canceling' : status;
}

/** A short key of any text, valid in every column. */
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** The job without what has a column. */
function writeRecord(job: Job): string {
  const {
    id: _id,
    status: _status,
    revision: _revision,
    fencingToken: _fencingToken,
    priority: _priority,
    backend: _backend,
    cancelRequested: _cancelRequested,
    queuedAt: _queuedAt,
    startBy: _startBy,
    startedAt: _startedAt,
    endedAt: _endedAt,
    ...record
  } = encodeJob(job);
  return stringifyJson(record);
}

import type { Transaction } from 'kysely';
import { PRIORITY_STEP_MS } from '../../application/ports/job-queue';
import { IDEMPOTENCY_MS, type Idempotency, type JobEntry } from '../../application/ports/job-store';
import { ComfyUIError } from '../../domain/errors';
import type { Job } from '../../domain/job/job';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import { changingColumns, fixedColumns, hash, type JobRow, toJob } from './job-rows';
import type { Tables } from './tables';

export interface AddedJob {
  readonly job: Job;
  readonly isNew: boolean;
}

/**
 * Keeps a new job; for a transaction in which nobody else adds one.
 * @throws ComfyUIError `queue_full`, `idempotency_mismatch`
 */
export async function addJob(transaction: Transaction<Tables>, entry: JobEntry): Promise<AddedJob> {
  const { job, idempotency, maxQueue } = entry;
  const earlier = idempotency && (await findEarlier(transaction, job, idempotency));
  if (earlier) return earlier;
  const { waiting, lastOrder } = await lookAtQueue(transaction);
  if (waiting >= maxQueue) throw queueFull(maxQueue);
  const kept = waiting === 0 ? (entry.handed ?? job) : job;
  // Behind all others, also when the clock stood still or went back.
  await insert(transaction, { ...entry, job: kept }, Math.max(job.queuedAt * 1000, (lastOrder ?? 0) + 1));
  return { job: kept, isNew: true };
}

async function findEarlier(
  transaction: Transaction<Tables>,
  job: Job,
  { key, requestHash }: Idempotency,
): Promise<AddedJob | undefined> {
  const row = await transaction
    .selectFrom('jobs')
    .selectAll()
    .where('idempotency_key', '=', hash(key))
    .executeTakeFirst();
  if (!row) return undefined;
  if (row.queued_at + IDEMPOTENCY_MS <= job.queuedAt) return forgetKey(transaction, row);
  if (row.request_hash !== requestHash) throw otherRequest(row.id);
  return { job: toJob(row), isNew: false };
}

async function forgetKey(transaction: Transaction<Tables>, { id }: JobRow): Promise<undefined> {
  const nothing = { idempotency_key: null, request_hash: null };
  await transaction.updateTable('jobs').set(nothing).where('id', '=', id).execute();
}

async function lookAtQueue(transaction: Transaction<Tables>): Promise<{ waiting: number; lastOrder: number | null }> {
  return transaction
    .selectNoFrom((builder) => [
      builder
        .selectFrom('jobs')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('backend', 'is', null)
        .where('ended_at', 'is', null)
        .$asScalar()
        .$notNull()
        .as('waiting'),
      builder
        .selectFrom('jobs')
        .select(({ fn }) => fn.max('queue_order').as('max'))
        .as('lastOrder'),
    ])
    .executeTakeFirstOrThrow();
}

async function insert(
  transaction: Transaction<Tables>,
  { job, workflow, idempotency }: JobEntry,
  order: number,
): Promise<void> {
  const row: JobRow = {
    ...fixedColumns(job),
    ...changingColumns(job),
    write_id: null,
    queue_order: order,
    rank: order - job.priority * PRIORITY_STEP_MS * 1000,
    idempotency_key: idempotency ? hash(idempotency.key) : null,
    request_hash: idempotency?.requestHash ?? null,
  };
  await transaction.insertInto('jobs').values(row).execute();
  await transaction
    .insertInto('workflows')
    .values({ job_id: job.id, workflow: writeWorkflow(workflow) })
    .execute();
}

function queueFull(maxQueue: number): ComfyUIError {
  const message = `The queue is full: ${maxQueue} jobs are waiting. Try again later.`;
  return new ComfyUIError('queue_full', message, { details: { maxQueue } });
}

function otherRequest(jobId: string): ComfyUIError {
  const message = 'This idempotency key was used for another request: use a new key for a new request.';
  return new ComfyUIError('idempotency_mismatch', message, { jobId });
}

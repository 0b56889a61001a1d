import { type Kysely, sql } from 'kysely';
import { IDEMPOTENCY_MS, type Idempotency, type JobEntry } from '../../application/jobs/job-repository';
import { ComfyUIError } from '../../domain/errors';
import type { Job } from '../../domain/job/job';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import type { Database } from './database';
import { FirstJobInsert } from './job-insert-first';
import { hash, JOB_COLUMNS, type JobRow, newRow, toJob } from './job-rows';
import { heldLease } from './leases';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Transaction } from './statements';
import type { Tables, WorkflowsTable } from './tables';

export interface AddedJob {
  readonly job: Job;
  readonly isNew: boolean;
}

/** Any number that other software is unlikely to lock in the same database. */
const ADD_LOCK = 7_461_982_530;

/** Adds jobs one after the other, so that limit, idempotency keys and order are exact between processes. */
export class JobInsert {
  readonly #lock = new PreparedQuery(lockAdditions);
  readonly #first = new FirstJobInsert();
  readonly #lease = new PreparedQuery(heldLease);
  readonly #byKey = new PreparedQuery(jobByKey);
  readonly #queue = new PreparedQuery(readQueue);
  readonly #insertJob = new PreparedQuery((kysely, row: Placeholders<JobRow>) => kysely.insertInto('jobs').values(row));
  readonly #insertWorkflow = new PreparedQuery((kysely, row: Placeholders<WorkflowsTable>) =>
    kysely.insertInto('workflows').values(row),
  );

  /** Whether the queue was empty at the last addition by this process. */
  #wasEmpty = false;

  constructor(private readonly database: Database) {}

  /** @throws ComfyUIError `queue_full`, `idempotency_mismatch`; errors of the driver */
  async add(entry: JobEntry): Promise<AddedJob> {
    const first = this.#mayBeFirst(entry) ? await this.#addFirst(entry) : undefined;
    return first ? { job: first, isNew: true } : this.#locked((transaction) => this.#add(transaction, entry));
  }

  /** As a rule the queue is empty: then PostgreSQL stores the job in one round trip. */
  #mayBeFirst({ idempotency, maxQueue }: JobEntry): boolean {
    return this.#wasEmpty && this.database.dialect === 'postgres' && !idempotency && maxQueue > 0;
  }

  /** @returns undefined when it was not stored */
  async #addFirst(entry: JobEntry): Promise<Job | undefined> {
    const { sent } = await this.#locked(async (transaction) => {
      const job = this.#first.send(transaction, entry);
      // The commit rejects, too.
      job.catch(() => undefined);
      return { sent: job };
    });
    const added = await sent;
    this.#wasEmpty = added !== undefined;
    return added;
  }

  #locked<T>(write: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.transact((transaction) => {
      if (this.database.dialect === 'postgres') this.#lock.send(transaction, {});
      return write(transaction);
    });
  }

  async #add(transaction: Transaction, entry: JobEntry): Promise<AddedJob> {
    const { job, idempotency, maxQueue } = entry;
    const earlier = idempotency && (await this.#findEarlier(transaction, job, idempotency));
    if (earlier) return earlier;
    const answers = [this.#queue.run(transaction, {}), this.#assigned(transaction, entry)] as const;
    const [{ rows }, assigned] = await Promise.all(answers);
    const { waiting = 0, lastOrder = null } = rows[0] ?? {};
    this.#wasEmpty = waiting === 0;
    if (waiting >= maxQueue) throw queueFull(maxQueue);
    const stored = waiting === 0 ? (assigned ?? job) : job;
    // Behind all others, also when the clock stands still or goes back.
    this.#insert(transaction, { ...entry, job: stored }, Math.max(job.queuedAt * 1000, (lastOrder ?? 0) + 1));
    return { job: stored, isNew: true };
  }

  /** The job with its assignment, if this process holds the lease until the commit. */
  async #assigned(transaction: Transaction, { assigned }: JobEntry): Promise<Job | undefined> {
    // The embedded database has one process, which keeps its leases.
    if (!assigned || this.database.dialect === 'sqlite') return assigned?.job;
    if (!assigned.lease) return undefined;
    const { rows } = await this.#lease.run(transaction, assigned.lease);
    return rows.length > 0 ? assigned.job : undefined;
  }

  async #findEarlier(
    transaction: Transaction,
    job: Job,
    { key, requestHash }: Idempotency,
  ): Promise<AddedJob | undefined> {
    const [row] = (await this.#byKey.run(transaction, { key: hash(key) })).rows;
    if (!row) return undefined;
    if (row.queued_at + IDEMPOTENCY_MS <= job.queuedAt) return forgetKey(transaction, row);
    if (row.request_hash !== requestHash) throw otherRequest(row.id);
    return { job: toJob(row), isNew: false };
  }

  #insert(transaction: Transaction, { job, workflow, idempotency }: JobEntry, order: number): void {
    this.#insertJob.send(transaction, newRow(job, order, idempotency));
    this.#insertWorkflow.send(transaction, { job_id: job.id, workflow: writeWorkflow(workflow) });
  }
}

function lockAdditions(kysely: Kysely<Tables>) {
  return kysely.selectNoFrom(sql`pg_advisory_xact_lock(${sql.lit(ADD_LOCK)})`.as('lock'));
}

function jobByKey(kysely: Kysely<Tables>, { key }: Placeholders<{ readonly key: string }>) {
  return kysely.selectFrom('jobs').select(JOB_COLUMNS).where('idempotency_key', '=', key);
}

function forgetKey(transaction: Transaction, { id }: JobRow): undefined {
  const query = transaction.kysely.updateTable('jobs').set({ idempotency_key: null, request_hash: null });
  transaction.send(query.where('id', '=', id).compile());
}

function readQueue(kysely: Kysely<Tables>) {
  return kysely.selectNoFrom((builder) => [
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
  ]);
}

function queueFull(maxQueue: number): ComfyUIError {
  const message = `The queue is full: ${maxQueue} jobs are waiting. Try again later.`;
  return new ComfyUIError('queue_full', message, { details: { maxQueue } });
}

function otherRequest(jobId: string): ComfyUIError {
  const message = 'This idempotency key was used for another request: use a new key for a new request.';
  return new ComfyUIError('idempotency_mismatch', message, { jobId });
}

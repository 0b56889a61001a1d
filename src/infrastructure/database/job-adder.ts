import { type Kysely, sql } from 'kysely';
import { IDEMPOTENCY_MS, type Idempotency, type JobEntry } from '../../application/jobs/job-repository';
import { ComfyUIError } from '../../domain/errors';
import type { Job } from '../../domain/job/job';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import type { Database } from './database';
import { FirstJob, heldLease } from './first-job';
import { hash, JOB_COLUMNS, type JobRow, newRow, toJob } from './job-rows';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Transaction } from './statements';
import type { Tables, WorkflowsTable } from './tables';

export interface AddedJob {
  readonly job: Job;
  readonly isNew: boolean;
}

/** Any number that other software is unlikely to lock in the same database. */
const ADD_LOCK = 7_461_982_530;

/** Adds jobs to one database, one after the other: so the queue is never overfilled, a key never used twice, and nobody overtaken. */
export class JobAdder {
  readonly #turn = new PreparedQuery(takeTurn);
  readonly #first = new FirstJob();
  readonly #lease = new PreparedQuery(heldLease);
  readonly #byKey = new PreparedQuery(jobByKey);
  readonly #queue = new PreparedQuery(lookAtQueue);
  readonly #insertJob = new PreparedQuery((kysely, row: Placeholders<JobRow>) => kysely.insertInto('jobs').values(row));
  readonly #insertWorkflow = new PreparedQuery((kysely, row: Placeholders<WorkflowsTable>) =>
    kysely.insertInto('workflows').values(row),
  );

  /** Whether nobody waited when the last one was added here. */
  #isQuiet = false;

  constructor(private readonly database: Database) {}

  /** @throws ComfyUIError `queue_full`, `idempotency_mismatch`; what the driver throws */
  async add(entry: JobEntry): Promise<AddedJob> {
    const first = this.#mayBeFirst(entry) ? await this.#addFirst(entry) : undefined;
    return first ? { job: first, isNew: true } : this.#inTurn((transaction) => this.#add(transaction, entry));
  }

  /** As a rule nobody waits: then PostgreSQL need not be asked, and waited for, before a job is written. */
  #mayBeFirst({ idempotency, maxQueue }: JobEntry): boolean {
    return this.#isQuiet && this.database.dialect === 'postgres' && !idempotency && maxQueue > 0;
  }

  /** @returns undefined when it was not kept */
  async #addFirst(entry: JobEntry): Promise<Job | undefined> {
    const { sent } = await this.#inTurn(async (transaction) => {
      const job = this.#first.send(transaction, entry);
      // The commit fails, too.
      job.catch(() => undefined);
      return { sent: job };
    });
    const added = await sent;
    this.#isQuiet = added !== undefined;
    return added;
  }

  #inTurn<T>(write: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.transact((transaction) => {
      if (this.database.dialect === 'postgres') this.#turn.send(transaction, {});
      return write(transaction);
    });
  }

  async #add(transaction: Transaction, entry: JobEntry): Promise<AddedJob> {
    const { job, idempotency, maxQueue } = entry;
    const earlier = idempotency && (await this.#findEarlier(transaction, job, idempotency));
    if (earlier) return earlier;
    const [{ rows }, handed] = await Promise.all([this.#queue.run(transaction, {}), this.#handed(transaction, entry)]);
    const { waiting = 0, lastOrder = null } = rows[0] ?? {};
    this.#isQuiet = waiting === 0;
    if (waiting >= maxQueue) throw queueFull(maxQueue);
    const kept = waiting === 0 ? (handed ?? job) : job;
    // Behind all others, also when the clock stood still or went back.
    this.#insert(transaction, { ...entry, job: kept }, Math.max(job.queuedAt * 1000, (lastOrder ?? 0) + 1));
    return { job: kept, isNew: true };
  }

  /** The job as handed over, if its server is driven by this process until this is written. */
  async #handed(transaction: Transaction, { handed }: JobEntry): Promise<Job | undefined> {
    // The embedded database has one process, which drives all servers.
    if (!handed || this.database.dialect === 'sqlite') return handed?.job;
    if (!handed.lease) return undefined;
    const { rows } = await this.#lease.run(transaction, handed.lease);
    return rows.length > 0 ? handed.job : undefined;
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

function takeTurn(kysely: Kysely<Tables>) {
  return kysely.selectNoFrom(sql`pg_advisory_xact_lock(${sql.lit(ADD_LOCK)})`.as('turn'));
}

function jobByKey(kysely: Kysely<Tables>, { key }: Placeholders<{ readonly key: string }>) {
  return kysely.selectFrom('jobs').select(JOB_COLUMNS).where('idempotency_key', '=', key);
}

function forgetKey(transaction: Transaction, { id }: JobRow): undefined {
  const nothing = { idempotency_key: null, request_hash: null };
  transaction.send(transaction.kysely.updateTable('jobs').set(nothing).where('id', '=', id).compile());
}

function lookAtQueue(kysely: Kysely<Tables>) {
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

import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import {
  type FileChanges,
  type JobEntry,
  type JobPage,
  type JobQuery,
  JobStore,
  type SaveOptions,
} from '../../application/ports/job-store';
import type { Lease } from '../../application/ports/leases';
import { hasEnded, type Job } from '../../domain/job/job';
import type { Workflow } from '../../domain/workflow/workflow';
import { readWorkflow } from '../../domain/workflow/workflow-text';
import type { Database } from './database';
import { changingColumns, isJobId, toJob } from './job-rows';
import { listJobs } from './list-jobs';
import { GroupCommit } from './group-commit';
import { type AddedJob, JobAdder } from './job-adder';
import { JobFiles } from './job-files';
import { type JobUpdate, JobUpdates } from './job-updates';
import { announce } from './kysely-outbox';
import { storageError } from './storage-errors';
import { stored } from './stored';
import type { Tables } from './tables';

/** Any number that other software is unlikely to lock in the same database. */
const ADD_LOCK = 7_461_982_530;

export class KyselyJobStore extends JobStore {
  readonly #together: GroupCommit;
  readonly #adder = new JobAdder();
  readonly #updates: JobUpdates;
  readonly #files = new JobFiles();

  /** @param isPublished whether jobs that end go into the outbox */
  constructor(
    private readonly database: Database,
    private readonly isPublished = false,
  ) {
    super();
    this.#together = new GroupCommit(database.kysely);
    this.#updates = new JobUpdates(database.dialect);
  }

  add(entry: JobEntry): Promise<AddedJob> {
    return stored(async (isRetry) => {
      const kept = isRetry ? await this.#find(entry.job.id) : undefined;
      return kept ? { job: kept, isNew: true } : this.#addInTurn(entry);
    });
  }

  find(id: string): Promise<Job | undefined> {
    return stored(() => this.#find(id));
  }

  async workflow(id: string): Promise<Workflow | undefined> {
    if (!isJobId(id)) return undefined;
    const query = this.database.kysely.selectFrom('workflows').select('workflow').where('job_id', '=', id);
    return stored(async () => {
      const row = await query.executeTakeFirst();
      return row && readWorkflow(row.workflow);
    });
  }

  list(query: JobQuery): Promise<JobPage> {
    return stored(() => listJobs(this.database.kysely, query));
  }

  save(job: Job, placement: number, { files, lease }: SaveOptions = {}): Promise<boolean> {
    const writeId = randomUUID();
    const values: JobUpdate = { ...changingColumns(job), write_id: writeId, id: job.id, before: placement };
    const write = (transaction: Kysely<Tables>) => this.#write(transaction, { job, values, files, lease });
    const isMore = files !== undefined || this.#isToPublish(job);
    return stored(async (isRetry) => {
      const isWritten = await this.#inTransaction(write, isMore);
      return isWritten || (isRetry && (await this.#wasWritten(job.id, writeId)));
    });
  }

  remove(id: string): Promise<boolean> {
    const query = this.database.kysely.deleteFrom('jobs').where('id', '=', id).where('ended_at', 'is not', null);
    return stored(async () => isJobId(id) && (await query.executeTakeFirst()).numDeletedRows > 0n);
  }

  /** Without another try: who asks wants to know how it is now. */
  async check(): Promise<void> {
    try {
      await this.database.kysely.selectFrom('jobs').select('id').limit(1).execute();
    } catch (error) {
      throw storageError(error);
    }
  }

  /**
   * One adds after the other, so that the queue is never overfilled and a key never used twice. Of several processes on one
   * database each hands over only what it took from the queue.
   */
  #addInTurn(entry: JobEntry): Promise<AddedJob> {
    const { kysely, dialect } = this.database;
    if (dialect === 'sqlite') return this.#together.run((transaction) => this.#adder.add(transaction, entry));
    return kysely.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(${ADD_LOCK})`.execute(transaction);
      return this.#adder.add(transaction, { ...entry, handed: undefined });
    });
  }

  async #write(transaction: Kysely<Tables>, { job, values, files, lease }: JobWrite): Promise<boolean> {
    const { numAffectedRows = 0n } = await this.#updates.run(transaction, values, lease);
    if (numAffectedRows === 0n) return false;
    if (files) await this.#files.write(transaction, job, files);
    if (this.#isToPublish(job)) await announce(transaction, job);
    return true;
  }

  #isToPublish(job: Job): boolean {
    return this.isPublished && hasEnded(job);
  }

  /** A single statement is a transaction of its own, which spares PostgreSQL's two more trips. */
  #inTransaction(write: (kysely: Kysely<Tables>) => Promise<boolean>, isMore: boolean): Promise<boolean> {
    const { kysely, dialect } = this.database;
    if (dialect === 'sqlite') return this.#together.run(write);
    return isMore ? kysely.transaction().execute(write) : write(kysely);
  }

  async #find(id: string): Promise<Job | undefined> {
    if (!isJobId(id)) return undefined;
    const row = await this.database.kysely.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toJob(row);
  }

  async #wasWritten(id: string, writeId: string): Promise<boolean> {
    const query = this.database.kysely.selectFrom('jobs').select('id').where('id', '=', id);
    return (await query.where('write_id', '=', writeId).executeTakeFirst()) !== undefined;
  }
}

interface JobWrite {
  readonly job: Job;
  readonly values: JobUpdate;
  readonly files: FileChanges | undefined;
  readonly lease: Lease | undefined;
}

import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import {
  type FileChanges,
  type JobEntry,
  type JobPage,
  type JobQuery,
  JobRepository,
  type SaveOptions,
  type StoredJob,
} from '../../application/jobs/job-repository';
import type { Lease } from '../../application/backends/lease-repository';
import { hasEnded, type Job } from '../../domain/job/job';
import type { Workflow } from '../../domain/workflow/workflow';
import { readWorkflow } from '../../domain/workflow/workflow-text';
import type { Database } from './database';
import { isJobId } from '../job-id';
import { changingColumns, JOB_COLUMNS, toJob } from './job-rows';
import { listJobs } from './list-jobs';
import { type AddedJob, JobAdder } from './job-adder';
import { JobFiles } from './job-files';
import { type JobUpdate, JobUpdates, WriteGuard } from './job-updates';
import { announce } from './kysely-outbox';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Transaction } from './statements';
import { storageError } from './database-errors';
import { stored } from './database-retry';
import type { Tables } from './tables';

export class KyselyJobRepository extends JobRepository {
  readonly #jobById = new PreparedQuery(jobById);
  readonly #entryById = new PreparedQuery(entryById);
  readonly #adder: JobAdder;
  readonly #updates: JobUpdates;
  readonly #guard = new WriteGuard();
  readonly #files = new JobFiles();

  /** @param isPublished whether jobs that end go into the outbox */
  constructor(
    private readonly database: Database,
    private readonly isPublished = false,
  ) {
    super();
    this.#adder = new JobAdder(database);
    this.#updates = new JobUpdates(database.dialect);
  }

  add(entry: JobEntry): Promise<AddedJob> {
    return stored(async (isRetry) => {
      const kept = isRetry ? await this.#find(entry.job.id) : undefined;
      return kept ? { job: kept, isNew: true } : this.#adder.add(entry);
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

  async open(id: string): Promise<StoredJob | undefined> {
    if (!isJobId(id)) return undefined;
    return stored(async () => {
      const [row] = (await this.#entryById.run(this.database.statements, { id })).rows;
      return row && { job: toJob(row), workflow: readWorkflow(row.workflow) };
    });
  }

  list(query: JobQuery): Promise<JobPage> {
    return stored(() => listJobs(this.database.kysely, query));
  }

  save(job: Job, fencingToken: number, { files, lease }: SaveOptions = {}): Promise<boolean> {
    const writeId = randomUUID();
    const values: JobUpdate = { ...changingColumns(job), write_id: writeId, id: job.id, before: fencingToken };
    return stored(async (isRetry) => {
      const isWritten = await this.#write({ job, values, files, lease });
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

  #write(write: JobWrite): Promise<boolean> {
    const { statements, dialect } = this.database;
    if (dialect === 'sqlite') return this.database.transact((transaction) => this.#writeAll(transaction, write));
    // A single statement is a transaction of its own, which spares PostgreSQL the trip to commit it.
    if (!write.files && !this.#isToPublish(write.job)) return this.#updates.run(statements, write.values, write.lease);
    return this.#writeAtOnce(write);
  }

  async #writeAll(transaction: Transaction, write: JobWrite): Promise<boolean> {
    if (!(await this.#updates.run(transaction, write.values, write.lease))) return false;
    this.#sendRest(transaction, write);
    return true;
  }

  /** Without waiting for an answer in between. */
  async #writeAtOnce(write: JobWrite): Promise<boolean> {
    try {
      await this.database.transact(async (transaction) => {
        void this.#updates.run(transaction, write.values, write.lease).catch(() => undefined);
        this.#guard.send(transaction, write.values);
        this.#sendRest(transaction, write);
      });
      return true;
    } catch (error) {
      if (this.#guard.hasRefused(error)) return false;
      throw error;
    }
  }

  #sendRest(transaction: Transaction, { job, files }: JobWrite): void {
    if (files) this.#files.send(transaction, job, files);
    if (this.#isToPublish(job)) announce(transaction, job);
  }

  #isToPublish(job: Job): boolean {
    return this.isPublished && hasEnded(job);
  }

  async #find(id: string): Promise<Job | undefined> {
    if (!isJobId(id)) return undefined;
    const [row] = (await this.#jobById.run(this.database.statements, { id })).rows;
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

interface ById {
  readonly id: string;
}

function jobById(kysely: Kysely<Tables>, { id }: Placeholders<ById>) {
  return kysely.selectFrom('jobs').select(JOB_COLUMNS).where('jobs.id', '=', id);
}

function entryById(kysely: Kysely<Tables>, values: Placeholders<ById>) {
  return jobById(kysely, values).innerJoin('workflows', 'job_id', 'jobs.id').select('workflow');
}

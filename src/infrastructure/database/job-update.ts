import { randomUUID } from 'node:crypto';
import type { Lease } from '../../application/backends/lease-repository';
import type { FileChanges, SaveOptions } from '../../application/jobs/job-repository';
import { hasEnded, type Job } from '../../domain/job/job';
import type { Database } from './database';
import { withDatabaseRetry } from './database-retry';
import { JobFiles } from './job-files';
import { changingColumns } from './job-rows';
import { UpdateStatements, type UpdateValues, WriteGuard } from './job-update-statements';
import { addOutboxEntries } from './outbox-entries';
import type { Transaction } from './statements';

interface JobWrite {
  readonly job: Job;
  readonly values: UpdateValues;
  readonly files: FileChanges | undefined;
  readonly lease: Lease | undefined;
}

/** Writes the next state of a job, with its files and outbox entries. */
export class JobUpdate {
  readonly #statements: UpdateStatements;
  readonly #guard = new WriteGuard();
  readonly #files = new JobFiles();

  /** @param consumers names of the outbox consumers */
  constructor(
    private readonly database: Database,
    private readonly consumers: readonly string[],
  ) {
    this.#statements = new UpdateStatements(database.dialect);
  }

  save(job: Job, fencingToken: number, { files, lease }: SaveOptions = {}): Promise<boolean> {
    const writeId = randomUUID();
    const values: UpdateValues = { ...changingColumns(job), write_id: writeId, id: job.id, before: fencingToken };
    return withDatabaseRetry(async (isRetry) => {
      const isWritten = await this.#write({ job, values, files, lease });
      return isWritten || (isRetry && (await this.#wasWritten(job.id, writeId)));
    });
  }

  #write(write: JobWrite): Promise<boolean> {
    const { statements, dialect } = this.database;
    if (dialect === 'sqlite') return this.database.transact((transaction) => this.#writeInSteps(transaction, write));
    // A single statement is a transaction of its own, without a round trip for its commit.
    if (!write.files && !this.#hasOutboxEntries(write.job))
      return this.#statements.run(statements, write.values, write.lease);
    return this.#writePipelined(write);
  }

  async #writeInSteps(transaction: Transaction, write: JobWrite): Promise<boolean> {
    if (!(await this.#statements.run(transaction, write.values, write.lease))) return false;
    this.#sendRest(transaction, write);
    return true;
  }

  /** In one round trip: the guard undoes the rest when the job was not changed. */
  async #writePipelined(write: JobWrite): Promise<boolean> {
    try {
      await this.database.transact(async (transaction) => {
        void this.#statements.run(transaction, write.values, write.lease).catch(() => undefined);
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
    if (this.#hasOutboxEntries(job)) addOutboxEntries(transaction, job, this.consumers);
  }

  #hasOutboxEntries(job: Job): boolean {
    return this.consumers.length > 0 && hasEnded(job);
  }

  async #wasWritten(id: string, writeId: string): Promise<boolean> {
    const query = this.database.kysely.selectFrom('jobs').select('id').where('id', '=', id);
    return (await query.where('write_id', '=', writeId).executeTakeFirst()) !== undefined;
  }
}

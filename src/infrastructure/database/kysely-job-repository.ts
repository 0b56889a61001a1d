import {
  type Claim,
  type JobEntry,
  type JobPage,
  type JobQuery,
  JobRepository,
  type OpenJobs,
  type QueuedJob,
  type Removal,
  type SaveOptions,
  type StoredJob,
} from '../../application/jobs/job-repository';
import type { Job } from '../../domain/job/job';
import { isJobId } from '../job-id';
import type { Database } from './database';
import { withDatabaseRetry } from './database-retry';
import { JobClaim } from './job-claim';
import { JobFind } from './job-find';
import { type AddedJob, JobInsert } from './job-insert';
import { listJobs } from './job-list';
import { removeJobs } from './job-removal';
import { JobUpdate } from './job-update';
import { openJobs } from './open-jobs';

export interface JobRepositoryOptions {
  /** Names of the outbox consumers: the end of a job is written to the outbox once for each. */
  readonly consumers: readonly string[];
}

export class KyselyJobRepository extends JobRepository {
  readonly #insert: JobInsert;
  readonly #update: JobUpdate;
  readonly #claim: JobClaim;
  readonly #find: JobFind;

  constructor(
    private readonly database: Database,
    private readonly options: JobRepositoryOptions,
  ) {
    super();
    this.#insert = new JobInsert(database);
    this.#update = new JobUpdate(database, options.consumers);
    this.#claim = new JobClaim(database, this.#update);
    this.#find = new JobFind(database);
  }

  add(entry: JobEntry): Promise<AddedJob> {
    return withDatabaseRetry(async (isRetry) => {
      const stored = isRetry ? await this.#find.job(entry.job.id) : undefined;
      return stored ? { job: stored, isNew: true } : this.#insert.add(entry);
    });
  }

  claim(claim: Claim): Promise<Job | undefined> {
    return this.#claim.claim(claim);
  }

  find(id: string, options: { readonly withWorkflow: true }): Promise<(QueuedJob & StoredJob) | undefined>;
  find(id: string): Promise<QueuedJob | undefined>;
  find(id: string, options?: { readonly withWorkflow: true }): Promise<QueuedJob | undefined> {
    return withDatabaseRetry(() => (options ? this.#find.withWorkflow(id) : this.#find.withPosition(id)));
  }

  list(query: JobQuery): Promise<JobPage> {
    return withDatabaseRetry(() => listJobs(this.database.kysely, query));
  }

  open(jobs: OpenJobs): Promise<readonly Job[]> {
    return withDatabaseRetry(() => openJobs(this.database.kysely, jobs));
  }

  save(job: Job, fencingToken: number, options?: SaveOptions): Promise<boolean> {
    return this.#update.save(job, fencingToken, options);
  }

  async requestCancellation(id: string): Promise<boolean> {
    if (!isJobId(id)) return false;
    const query = this.database.kysely
      .updateTable('jobs')
      .set({ cancel_requested: 1 })
      .where('id', '=', id)
      .where('backend', 'is not', null)
      .where('ended_at', 'is', null);
    return withDatabaseRetry(async () => (await query.executeTakeFirst()).numUpdatedRows > 0n);
  }

  remove(removal: Removal): Promise<number> {
    return withDatabaseRetry(() => removeJobs(this.database.kysely, removal, this.options.consumers));
  }
}

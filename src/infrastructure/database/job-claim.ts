import type { Kysely } from 'kysely';
import type { Lease } from '../../application/backends/lease-repository';
import type { Claim } from '../../application/jobs/job-repository';
import type { Job } from '../../domain/job/job';
import type { Database } from './database';
import { withDatabaseRetry } from './database-retry';
import { JOB_COLUMNS, type JobRow, toJob } from './job-rows';
import type { JobUpdate } from './job-update';
import { heldLease } from './leases';
import { PreparedQuery } from './prepared-query';
import type { Tables } from './tables';
import { waitingJobs } from './waiting-jobs';

/** What a claim has seen, and leaves out from then on. */
interface Passed {
  readonly requirementsKeys: string[];
  readonly ids: string[];
}

/**
 * Claims waiting jobs. A job is read without a lock and written as assigned by one statement, which locks its row, skips it
 * where another process is writing it, and checks the fencing token and the lease. So no claim holds a lock while it decides,
 * and a job that one process passes over is never hidden from another process that can run it.
 */
export class JobClaim {
  readonly #first = new PreparedQuery(firstWaiting);
  readonly #lease = new PreparedQuery(heldLease);

  constructor(
    private readonly database: Database,
    private readonly update: JobUpdate,
  ) {}

  async claim(claim: Claim): Promise<Job | undefined> {
    const passed: Passed = { requirementsKeys: [], ids: [] };
    for (;;) {
      const row = await withDatabaseRetry(() => this.#next(passed, claim.only));
      if (!row) return undefined;
      const job = toJob(row);
      const assigned = claim.assign(job);
      if (!assigned) passed.requirementsKeys.push(row.requirements_key);
      else if (await this.update.save(assigned.job, job.fencingToken, { lease: assigned.lease })) return assigned.job;
      else if (await this.#isLost(assigned.lease)) return undefined;
      else passed.ids.push(job.id);
    }
  }

  async #next({ requirementsKeys, ids }: Passed, only: Claim['only']): Promise<JobRow | undefined> {
    const { kysely, statements } = this.database;
    if (only?.length === 0) return undefined;
    if (requirementsKeys.length === 0 && ids.length === 0 && !only)
      return (await this.#first.run(statements, {})).rows[0];
    let query = firstWaiting(kysely);
    if (only) query = query.where('jobs.id', 'in', only);
    if (ids.length > 0) query = query.where('jobs.id', 'not in', ids);
    if (requirementsKeys.length > 0) query = query.where('requirements_key', 'not in', requirementsKeys);
    return query.executeTakeFirst();
  }

  /** The embedded database has one process, which keeps its leases. */
  async #isLost(lease: Lease | undefined): Promise<boolean> {
    if (!lease || this.database.dialect === 'sqlite') return false;
    const { rows } = await withDatabaseRetry(() => this.#lease.run(this.database.statements, lease));
    return rows.length === 0;
  }
}

function firstWaiting(kysely: Kysely<Tables>) {
  return waitingJobs(kysely).select(JOB_COLUMNS).orderBy('rank').orderBy('queue_order').limit(1);
}

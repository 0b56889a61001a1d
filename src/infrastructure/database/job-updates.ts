import { type Kysely, sql } from 'kysely';
import type { Lease } from '../../application/backends/lease-repository';
import { isObject } from '../../shared/json';
import type { Database } from './database';
import type { changingColumns, JobRow } from './job-rows';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Statements, Transaction } from './statements';
import type { Tables } from './tables';

const DIVISION_BY_ZERO = '22012';

/** What a job becomes, and at which fencing token it has to be before. */
export type JobUpdate = ReturnType<typeof changingColumns> &
  Pick<JobRow, 'id' | 'write_id'> & { readonly before: number };

/** The writes of jobs that are there. */
export class JobUpdates {
  readonly #plain = new PreparedQuery(updateJob);
  readonly #leased = new PreparedQuery(updateLeasedJob);
  readonly #claim = new PreparedQuery(claimJob);

  constructor(private readonly dialect: Database['dialect']) {}

  /** @returns false when the job is not what it was thought to be, or the lease is another's */
  async run(statements: Statements, values: JobUpdate, lease: Lease | undefined): Promise<boolean> {
    const { numAffectedRows = 0n } = await this.#send(statements, values, lease);
    return numAffectedRows > 0n;
  }

  #send(statements: Statements, values: JobUpdate, lease: Lease | undefined) {
    // The embedded database has one process, which drives all servers.
    if (lease === undefined || this.dialect === 'sqlite') return this.#plain.run(statements, values);
    const leased = { ...values, leased: lease.backend, epoch: lease.epoch };
    const isClaim = values.backend !== null && values.fencing_token > values.before;
    return (isClaim ? this.#claim : this.#leased).run(statements, leased);
  }
}

/** Fails where this write of the job is not there; what else is in its transaction is undone with it. */
export class WriteGuard {
  readonly #query = new PreparedQuery(divideByWrites);

  send(transaction: Transaction, { id, write_id }: JobUpdate): void {
    this.#query.send(transaction, { id, write_id });
  }

  /** Whether a transaction failed by it. */
  hasRefused(error: unknown): boolean {
    return isObject(error) && error.code === DIVISION_BY_ZERO;
  }
}

type LeasedUpdate = JobUpdate & { readonly leased: string; readonly epoch: number };

function divideByWrites(kysely: Kysely<Tables>, { id, write_id }: Placeholders<Pick<JobUpdate, 'id' | 'write_id'>>) {
  return kysely
    .selectFrom('jobs')
    .select(sql<number>`1 / count(*)`.as('guard'))
    .where('id', '=', id)
    .where('write_id', '=', write_id);
}

/** Changes a job that has not ended, or now succeeds after all, and was not handed to anybody else meanwhile. */
function updateJob(kysely: Kysely<Tables>, { id, before, cancel_requested, ...columns }: Placeholders<JobUpdate>) {
  return kysely
    .updateTable('jobs')
    .set(columns)
    .set({ cancel_requested: sql`case when ${cancel_requested} = 1 then 1 else cancel_requested end` })
    .where('id', '=', id)
    .where('fencing_token', '=', before)
    .where(sql<boolean>`(ended_at is null or (status = 'failed' and ${columns.status} = 'succeeded'))`);
}

/** Whoever takes over the lease waits for this write to be done, and then sees it; one that comes later is refused. */
function updateLeasedJob(kysely: Kysely<Tables>, { leased, epoch, ...update }: Placeholders<LeasedUpdate>) {
  return updateJob(kysely, update).where(
    sql<boolean>`exists (select from ${sql.table('comfyui.leases')} where backend = ${leased} and epoch = ${epoch} for share)`,
  );
}

/** Of several that want the same job one gets it, and the others do not wait. */
function claimJob(kysely: Kysely<Tables>, update: Placeholders<LeasedUpdate>) {
  const free = kysely.selectFrom('jobs').select('id').where('id', '=', update.id).forUpdate().skipLocked();
  return updateLeasedJob(kysely, update).where('id', 'in', free);
}

import { type Kysely, sql } from 'kysely';
import type { Lease } from '../../application/backends/lease-repository';
import { isObject } from '../../shared/json';
import type { Database } from './database';
import type { changingColumns, JobRow } from './job-rows';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Statements, Transaction } from './statements';
import type { Tables } from './tables';

const DIVISION_BY_ZERO = '22012';

/** The next columns of a job, and the fencing token that it must have before. */
export type UpdateValues = ReturnType<typeof changingColumns> &
  Pick<JobRow, 'id' | 'write_id'> & { readonly before: number };

/** The statements that change a stored job. */
export class UpdateStatements {
  readonly #plain = new PreparedQuery(updateJob);
  readonly #leased = new PreparedQuery(updateLeasedJob);
  readonly #claim = new PreparedQuery(claimJob);

  constructor(private readonly dialect: Database['dialect']) {}

  /** @returns false when the fencing token is another, the job has ended or the lease is lost */
  async run(statements: Statements, values: UpdateValues, lease: Lease | undefined): Promise<boolean> {
    const { numAffectedRows = 0n } = await this.#send(statements, values, lease);
    return numAffectedRows > 0n;
  }

  #send(statements: Statements, values: UpdateValues, lease: Lease | undefined) {
    // The embedded database has one process, which keeps its leases.
    if (lease === undefined || this.dialect === 'sqlite') return this.#plain.run(statements, values);
    const leased = { ...values, leased: lease.backend, epoch: lease.epoch };
    const isClaim = values.backend !== null && values.fencing_token > values.before;
    return (isClaim ? this.#claim : this.#leased).run(statements, leased);
  }
}

/** A statement that fails unless this write changed the job, so that PostgreSQL rolls back the rest of the transaction. */
export class WriteGuard {
  readonly #query = new PreparedQuery(divideByWrites);

  send(transaction: Transaction, { id, write_id }: UpdateValues): void {
    this.#query.send(transaction, { id, write_id });
  }

  /** Whether the guard failed the transaction. */
  hasRefused(error: unknown): boolean {
    return isObject(error) && error.code === DIVISION_BY_ZERO;
  }
}

type LeasedUpdate = UpdateValues & { readonly leased: string; readonly epoch: number };

function divideByWrites(kysely: Kysely<Tables>, { id, write_id }: Placeholders<Pick<UpdateValues, 'id' | 'write_id'>>) {
  return kysely
    .selectFrom('jobs')
    .select(sql<number>`1 / count(*)`.as('guard'))
    .where('id', '=', id)
    .where('write_id', '=', write_id);
}

/** Changes a job that has this fencing token and has not ended, or failed and now succeeds. */
function updateJob(kysely: Kysely<Tables>, { id, before, cancel_requested, ...columns }: Placeholders<UpdateValues>) {
  return kysely
    .updateTable('jobs')
    .set(columns)
    .set({ cancel_requested: sql`case when ${cancel_requested} = 1 then 1 else cancel_requested end` })
    .where('id', '=', id)
    .where('fencing_token', '=', before)
    .where(sql<boolean>`(ended_at is null or (status = 'failed' and ${columns.status} = 'succeeded'))`);
}

/** A process that takes over the lease waits for this write, and then reads it; a later write is refused. */
function updateLeasedJob(kysely: Kysely<Tables>, { leased, epoch, ...update }: Placeholders<LeasedUpdate>) {
  return updateJob(kysely, update).where(
    sql<boolean>`exists (select from ${sql.table('comfyui.leases')} where backend = ${leased} and epoch = ${epoch} for share)`,
  );
}

/** One of several claims of a job succeeds; the others do not wait for it. */
function claimJob(kysely: Kysely<Tables>, update: Placeholders<LeasedUpdate>) {
  const free = kysely.selectFrom('jobs').select('id').where('id', '=', update.id).forUpdate().skipLocked();
  return updateLeasedJob(kysely, update).where('id', 'in', free);
}

import { type Expression, type Kysely, sql } from 'kysely';
import type { Lease, LeaseTerms, Renewal } from '../../application/backends/lease-repository';
import { AbandonedPrompts } from './abandoned-prompts';
import { withDatabaseRetry } from './database-retry';
import type { Tables } from './tables';

/** Leases in PostgreSQL, by its clock. */
export class KyselyLeaseRepository extends AbandonedPrompts {
  renew(holder: string, ttlMs: number): Promise<Renewal> {
    const expires_at = fromNow(ttlMs);
    return this.#transaction(async (transaction) => {
      const row = { holder, expires_at };
      await transaction
        .insertInto('lease_holders')
        .values(row)
        .onConflict((conflict) => conflict.column('holder').doUpdateSet({ expires_at }))
        .execute();
      await transaction.deleteFrom('lease_holders').where('expires_at', '<', fromNow(-FORGET_MS)).execute();
      const leases = await transaction
        .updateTable('leases')
        .set({ expires_at })
        .where('holder', '=', holder)
        .returning(['backend', 'epoch'])
        .execute();
      return { leases, holders: await countHolders(transaction) };
    });
  }

  async acquire(holder: string, backends: readonly string[], { atMost, ttlMs }: LeaseTerms): Promise<readonly Lease[]> {
    const acquired: Lease[] = [];
    for (const backend of backends) {
      if (acquired.length >= atMost) break;
      const lease = await this.#acquire(holder, backend, ttlMs);
      if (lease) acquired.push(lease);
    }
    return acquired;
  }

  async release(holder: string, backends?: readonly string[]): Promise<void> {
    if (backends?.length === 0) return;
    // The row stays, because the next epoch follows from it.
    const leases = this.database.kysely
      .updateTable('leases')
      .set({ holder: '', expires_at: 0 })
      .where('holder', '=', holder);
    if (backends) return void (await withDatabaseRetry(() => leases.where('backend', 'in', backends).execute()));
    await withDatabaseRetry(() => leases.execute());
    const holders = this.database.kysely.deleteFrom('lease_holders').where('holder', '=', holder);
    await withDatabaseRetry(() => holders.execute());
  }

  /** A retry after a lost answer acquires the lease once more: the epoch only grows. */
  #acquire(holder: string, backend: string, ttlMs: number): Promise<Lease | undefined> {
    const acquired = { holder, epoch: sql<number>`leases.epoch + 1`, expires_at: fromNow(ttlMs) };
    return withDatabaseRetry(() =>
      this.database.kysely
        .insertInto('leases')
        .values({ backend, holder, epoch: 1, expires_at: fromNow(ttlMs) })
        .onConflict((conflict) =>
          conflict
            .column('backend')
            .doUpdateSet(acquired)
            .where((free) => free.or([free('leases.holder', '=', holder), free('leases.expires_at', '<', fromNow(0))])),
        )
        .returning(['backend', 'epoch'])
        .executeTakeFirst(),
    );
  }

  #transaction<T>(write: (transaction: Kysely<Tables>) => Promise<T>): Promise<T> {
    return withDatabaseRetry(() => this.database.kysely.transaction().execute(write));
  }
}

/** Long after its last renewal, so that the rows of recent holders remain readable to an operator. */
const FORGET_MS = 3_600_000;

async function countHolders(kysely: Kysely<Tables>): Promise<number> {
  const query = kysely.selectFrom('lease_holders').where('expires_at', '>=', fromNow(0));
  return (await query.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count;
}

function fromNow(ms: number): Expression<number> {
  return sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint + ${ms}::bigint`;
}

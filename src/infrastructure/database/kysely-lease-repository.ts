import { type Expression, type Kysely, sql } from 'kysely';
import {
  type Lease,
  LeaseRepository,
  type LeaseTerms,
  type Renewal,
} from '../../application/backends/lease-repository';
import type { Database } from './database';
import { stored } from './database-retry';
import type { Tables } from './tables';

/** Leases in PostgreSQL, by its clock. */
export class KyselyLeaseRepository extends LeaseRepository {
  constructor(private readonly database: Database) {
    super();
  }

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
    const taken: Lease[] = [];
    for (const backend of backends) {
      if (taken.length >= atMost) break;
      const lease = await this.#take(holder, backend, ttlMs);
      if (lease) taken.push(lease);
    }
    return taken;
  }

  async release(holder: string, backends: readonly string[]): Promise<void> {
    if (backends.length === 0) return;
    await stored(() => this.#giveUp(holder).where('backend', 'in', backends).execute());
  }

  async leave(holder: string): Promise<void> {
    await stored(() => this.#giveUp(holder).execute());
    await stored(() => this.database.kysely.deleteFrom('lease_holders').where('holder', '=', holder).execute());
  }

  /** When it was taken and the answer got lost, it is taken once more: the epoch only grows. */
  #take(holder: string, backend: string, ttlMs: number): Promise<Lease | undefined> {
    const taken = { holder, epoch: sql<number>`leases.epoch + 1`, expires_at: fromNow(ttlMs) };
    return stored(() =>
      this.database.kysely
        .insertInto('leases')
        .values({ backend, holder, epoch: 1, expires_at: fromNow(ttlMs) })
        .onConflict((conflict) =>
          conflict
            .column('backend')
            .doUpdateSet(taken)
            .where((free) => free.or([free('leases.holder', '=', holder), free('leases.expires_at', '<', fromNow(0))])),
        )
        .returning(['backend', 'epoch'])
        .executeTakeFirst(),
    );
  }

  /** The row stays, because the next epoch follows from it. */
  #giveUp(holder: string) {
    return this.database.kysely.updateTable('leases').set({ holder: '', expires_at: 0 }).where('holder', '=', holder);
  }

  #transaction<T>(write: (transaction: Kysely<Tables>) => Promise<T>): Promise<T> {
    return stored(() => this.database.kysely.transaction().execute(write));
  }
}

/** Long enough for a clock that is looked at to be understood. */
const FORGET_MS = 3_600_000;

async function countHolders(kysely: Kysely<Tables>): Promise<number> {
  const query = kysely.selectFrom('lease_holders').where('expires_at', '>=', fromNow(0));
  return (await query.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count;
}

function fromNow(ms: number): Expression<number> {
  return sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint + ${ms}::bigint`;
}

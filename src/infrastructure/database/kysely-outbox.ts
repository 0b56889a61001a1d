import { Outbox, type OutboxEntry } from '../../application/outbox/outbox';
import type { Job } from '../../domain/job/job';
import type { Database } from './database';
import { stored } from './database-retry';
import type { Transaction } from './statements';

export class KyselyOutbox extends Outbox {
  constructor(private readonly database: Database) {
    super();
  }

  due(now: number, limit: number): Promise<readonly OutboxEntry[]> {
    const query = this.database.kysely
      .selectFrom('outbox')
      .select(['job_id as jobId', 'revision', 'tries'])
      .where('next_at', '<=', now)
      .orderBy('next_at')
      .orderBy('job_id')
      .limit(limit);
    return stored(() => query.execute());
  }

  async sent({ jobId, revision }: OutboxEntry): Promise<void> {
    const query = this.database.kysely.deleteFrom('outbox').where('job_id', '=', jobId);
    await stored(() => query.where('revision', '=', revision).execute());
  }

  /** Counts from the entry as it was read: a write that is tried again counts once. */
  async postpone({ jobId, revision, tries }: OutboxEntry, nextAt: number): Promise<void> {
    const query = this.database.kysely.updateTable('outbox').set({ tries: tries + 1, next_at: nextAt });
    await stored(() => query.where('job_id', '=', jobId).where('revision', '=', revision).execute());
  }
}

/** Puts an ended job into the outbox, for the transaction that writes it. */
export function announce(transaction: Transaction, { id, revision }: Job): void {
  const entry = { revision, tries: 0, next_at: Date.now() };
  const query = transaction.kysely
    .insertInto('outbox')
    .values({ job_id: id, ...entry })
    .onConflict((conflict) => conflict.column('job_id').doUpdateSet(entry));
  transaction.send(query.compile());
}

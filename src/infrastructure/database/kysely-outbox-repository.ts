import { type OutboxEntry, OutboxRepository } from '../../application/outbox/outbox-repository';
import type { Database } from './database';
import { withDatabaseRetry } from './database-retry';

export class KyselyOutboxRepository extends OutboxRepository {
  constructor(private readonly database: Database) {
    super();
  }

  due(consumer: string, now: number, limit: number): Promise<readonly OutboxEntry[]> {
    const query = this.database.kysely
      .selectFrom('outbox')
      .select(['consumer', 'job_id as jobId', 'event', 'revision', 'attempts'])
      .where('consumer', '=', consumer)
      .where('next_at', '<=', now)
      .orderBy('next_at')
      .orderBy('job_id')
      .limit(limit);
    return withDatabaseRetry(() => query.execute());
  }

  async delivered({ jobId, event, consumer, revision }: OutboxEntry): Promise<void> {
    const query = this.database.kysely
      .deleteFrom('outbox')
      .where('job_id', '=', jobId)
      .where('event', '=', event)
      .where('consumer', '=', consumer)
      .where('revision', '=', revision);
    await withDatabaseRetry(() => query.execute());
  }

  /** Counts from the attempts of the entry: a repeated write counts once. */
  async postpone({ jobId, event, consumer, revision, attempts }: OutboxEntry, nextAt: number): Promise<void> {
    const query = this.database.kysely
      .updateTable('outbox')
      .set({ attempts: attempts + 1, next_at: nextAt })
      .where('job_id', '=', jobId)
      .where('event', '=', event)
      .where('consumer', '=', consumer)
      .where('revision', '=', revision);
    await withDatabaseRetry(() => query.execute());
  }
}

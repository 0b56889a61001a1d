import { type AbandonedPrompt, LeaseRepository } from '../../application/backends/lease-repository';
import type { Database } from './database';
import { withDatabaseRetry } from './database-retry';

/** The abandoned prompts of a lease repository: in the database, whatever keeps the leases. */
export abstract class AbandonedPrompts extends LeaseRepository {
  constructor(protected readonly database: Database) {
    super();
  }

  async abandon({ promptId, backend, jobId, abandonedAt }: AbandonedPrompt): Promise<void> {
    const row = { prompt_id: promptId, backend, job_id: jobId, abandoned_at: abandonedAt };
    const query = this.database.kysely.insertInto('abandoned_prompts').values(row);
    await withDatabaseRetry(() => query.onConflict((conflict) => conflict.column('prompt_id').doNothing()).execute());
  }

  abandonedOn(backend: string): Promise<readonly AbandonedPrompt[]> {
    const query = this.database.kysely
      .selectFrom('abandoned_prompts')
      .select(['prompt_id as promptId', 'backend', 'job_id as jobId', 'abandoned_at as abandonedAt'])
      .where('backend', '=', backend)
      .orderBy('abandoned_at');
    return withDatabaseRetry(() => query.execute());
  }

  async settle(promptId: string): Promise<void> {
    const query = this.database.kysely.deleteFrom('abandoned_prompts').where('prompt_id', '=', promptId);
    await withDatabaseRetry(() => query.execute());
  }
}

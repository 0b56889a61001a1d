import { type AbandonedPrompt, AbandonedPrompts } from '../../application/backends/abandoned-prompts';
import type { Database } from './database';
import { stored } from './database-retry';

export class KyselyAbandonedPrompts extends AbandonedPrompts {
  constructor(private readonly database: Database) {
    super();
  }

  async add({ promptId, backend, jobId, abandonedAt }: AbandonedPrompt): Promise<void> {
    const row = { prompt_id: promptId, backend, job_id: jobId, abandoned_at: abandonedAt };
    const query = this.database.kysely.insertInto('abandoned_prompts').values(row);
    await stored(() => query.onConflict((conflict) => conflict.column('prompt_id').doNothing()).execute());
  }

  async of(backend: string): Promise<readonly AbandonedPrompt[]> {
    const query = this.database.kysely
      .selectFrom('abandoned_prompts')
      .select(['prompt_id as promptId', 'backend', 'job_id as jobId', 'abandoned_at as abandonedAt'])
      .where('backend', '=', backend)
      .orderBy('abandoned_at');
    return stored(() => query.execute());
  }

  async remove(promptId: string): Promise<void> {
    const query = this.database.kysely.deleteFrom('abandoned_prompts').where('prompt_id', '=', promptId);
    await stored(() => query.execute());
  }
}

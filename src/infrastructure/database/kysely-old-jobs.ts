import { OldJobs } from '../../application/maintenance/old-jobs';
import type { Database } from './database';
import { stored } from './database-retry';

export class KyselyOldJobs extends OldJobs {
  /** @param isPublished whether jobs in the outbox are still to go out */
  constructor(
    private readonly database: Database,
    private readonly isPublished = false,
  ) {
    super();
  }

  remove(endedBefore: number, limit: number): Promise<number> {
    const { kysely } = this.database;
    const old = kysely
      .selectFrom('jobs')
      .select('id')
      .where('ended_at', 'is not', null)
      .where('ended_at', '<', endedBefore)
      .$if(this.isPublished, (query) => query.where('id', 'not in', kysely.selectFrom('outbox').select('job_id')))
      .orderBy('ended_at')
      .limit(limit);
    return stored(async () =>
      Number((await kysely.deleteFrom('jobs').where('id', 'in', old).executeTakeFirst()).numDeletedRows),
    );
  }
}

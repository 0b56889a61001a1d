import { JobCancels } from '../../application/jobs/job-cancels';
import type { Database } from './database';
import { isJobId } from '../job-id';
import { stored } from './database-retry';
import { handedJobs } from './waiting-jobs';

export class KyselyJobCancels extends JobCancels {
  constructor(private readonly database: Database) {
    super();
  }

  request(jobId: string): Promise<boolean> {
    const query = this.database.kysely
      .updateTable('jobs')
      .set({ cancel_requested: 1 })
      .where('id', '=', jobId)
      .where('backend', 'is not', null)
      .where('ended_at', 'is', null);
    return stored(async () => isJobId(jobId) && (await query.executeTakeFirst()).numUpdatedRows > 0n);
  }

  async requested(backends: readonly string[]): Promise<readonly string[]> {
    if (backends.length === 0) return [];
    const query = handedJobs(this.database.kysely)
      .select('id')
      .where('cancel_requested', '=', 1)
      .where('backend', 'in', backends);
    return stored(async () => (await query.execute()).map(({ id }) => id));
  }
}

import { JobQueue, type Ticket } from '../../application/ports/job-queue';
import type { Database } from './database';
import { stored } from './stored';
import { waitingJobs } from './waiting-jobs';

/** The embedded queue: a job's row is its ticket. */
export class KyselyJobQueue extends JobQueue {
  constructor(private readonly database: Database) {
    super();
  }

  async offer(): Promise<void> {}

  async next(exceptNeeds: readonly string[]): Promise<Ticket | undefined> {
    const all = waitingJobs(this.database.kysely)
      .select(['id as jobId', 'needs_key as needsKey'])
      .orderBy('rank')
      .orderBy('queue_order');
    const query = exceptNeeds.length === 0 ? all : all.where('needs_key', 'not in', [...new Set(exceptNeeds)]);
    return stored(() => query.limit(1).executeTakeFirst());
  }

  tell(): void {}

  async settle(): Promise<void> {}

  async putBack(): Promise<void> {}

  async tickets(): Promise<null> {
    return null;
  }

  onOffer(): void {}

  onTold(): void {}
}

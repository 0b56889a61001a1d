import type { Kysely } from 'kysely';
import { JobQueue, type Ticket } from '../../application/jobs/job-queue';
import type { Database } from './database';
import { PreparedQuery } from './prepared-query';
import { stored } from './database-retry';
import type { Tables } from './tables';
import { waitingJobs } from './waiting-jobs';

/** The embedded queue: a job's row is its ticket. */
export class KyselyJobQueue extends JobQueue {
  readonly #first = new PreparedQuery(firstTicket);

  constructor(private readonly database: Database) {
    super();
  }

  async offer(): Promise<void> {}

  async next(exceptRequirements: readonly string[]): Promise<Ticket | undefined> {
    const { kysely, statements } = this.database;
    if (exceptRequirements.length === 0) return stored(async () => (await this.#first.run(statements, {})).rows[0]);
    const others = firstTicket(kysely).where('requirements_key', 'not in', [...new Set(exceptRequirements)]);
    return stored(() => others.executeTakeFirst());
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

function firstTicket(kysely: Kysely<Tables>) {
  return waitingJobs(kysely)
    .select(['id as jobId', 'requirements_key as requirementsKey'])
    .orderBy('rank')
    .orderBy('queue_order')
    .limit(1);
}

import type { ExpressionBuilder } from 'kysely';
import { JobQueue, type Ticket } from '../../application/ports/job-queue';
import type { Job } from '../../domain/job/job';
import type { Database } from './database';
import { isJobId, toJob } from './job-rows';
import { stored } from './stored';
import type { Tables } from './tables';

/** The embedded queue: a job's row is its entry. */
export class KyselyJobQueue extends JobQueue {
  constructor(private readonly database: Database) {
    super();
  }

  async next(exceptNeeds: readonly string[]): Promise<Ticket | undefined> {
    const all = this.#waiting().select(['id as jobId', 'needs_key as needsKey']).orderBy('rank').orderBy('queue_order');
    const query = exceptNeeds.length === 0 ? all : all.where('needs_key', 'not in', [...new Set(exceptNeeds)]);
    return stored(() => query.limit(1).executeTakeFirst());
  }

  async ahead(jobId: string): Promise<number | undefined> {
    if (!isJobId(jobId)) return undefined;
    const own = this.#waiting().where('jobs.id', '=', jobId);
    const row = await stored(() => own.select((builder) => countAhead(builder).as('ahead')).executeTakeFirst());
    return row?.ahead ?? undefined;
  }

  async handedOver(): Promise<readonly Job[]> {
    const query = this.database.kysely
      .selectFrom('jobs')
      .selectAll()
      .where('backend', 'is not', null)
      .where('ended_at', 'is', null)
      .orderBy('queue_order');
    return stored(async () => (await query.execute()).map(toJob));
  }

  async overdue(now: number, limit: number): Promise<readonly Job[]> {
    const query = this.#waiting()
      .selectAll()
      .where('started_at', 'is', null)
      .where('start_by', '<=', now)
      .orderBy('start_by')
      .limit(limit);
    return stored(async () => (await query.execute()).map(toJob));
  }

  #waiting() {
    return this.database.kysely.selectFrom('jobs').where('jobs.backend', 'is', null).where('jobs.ended_at', 'is', null);
  }
}

/** Of those that wait, how many come before the row in `jobs`. */
function countAhead(builder: ExpressionBuilder<Tables, 'jobs'>) {
  return builder
    .selectFrom('jobs as other')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('other.backend', 'is', null)
    .where('other.ended_at', 'is', null)
    .where((eb) =>
      eb(eb.refTuple('other.rank', 'other.queue_order'), '<', eb.refTuple('jobs.rank', 'jobs.queue_order')),
    );
}

import type { ExpressionBuilder } from 'kysely';
import { JobBacklog, type KnownJob, type WaitingPage } from '../../application/jobs/job-backlog';
import type { Job } from '../../domain/job/job';
import type { Database } from './database';
import { isJobId } from '../job-id';
import { toJob } from './job-rows';
import { stored } from './database-retry';
import type { Tables } from './tables';
import { handedJobs, waitingJobs } from './waiting-jobs';

export class KyselyJobBacklog extends JobBacklog {
  constructor(private readonly database: Database) {
    super();
  }

  async ahead(jobId: string): Promise<number | undefined> {
    if (!isJobId(jobId)) return undefined;
    const own = waitingJobs(this.database.kysely).where('jobs.id', '=', jobId);
    const row = await stored(() => own.select((builder) => countAhead(builder).as('ahead')).executeTakeFirst());
    return row?.ahead ?? undefined;
  }

  async size(): Promise<number> {
    const query = waitingJobs(this.database.kysely).select(({ fn }) => fn.countAll<number>().as('count'));
    return stored(async () => (await query.executeTakeFirstOrThrow()).count);
  }

  async waiting(limit: number, after?: string): Promise<WaitingPage> {
    const [rank, order] = after === undefined ? [] : after.split('.').map(Number);
    const all = waitingJobs(this.database.kysely).selectAll().orderBy('rank').orderBy('queue_order').limit(limit);
    const query =
      rank === undefined || order === undefined
        ? all
        : all.where((eb) => eb(eb.refTuple('rank', 'queue_order'), '>', eb.tuple(rank, order)));
    const rows = await stored(() => query.execute());
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return { jobs: rows.map(toJob), next: last ? `${last.rank}.${last.queue_order}` : null };
  }

  async handedTo(backend: string): Promise<readonly Job[]> {
    const query = handedJobs(this.database.kysely).selectAll().where('backend', '=', backend).orderBy('queue_order');
    return stored(async () => (await query.execute()).map(toJob));
  }

  async load(): Promise<ReadonlyMap<string, number>> {
    const query = handedJobs(this.database.kysely)
      .select(({ fn }) => ['backend', fn.countAll<number>().as('jobs')])
      .groupBy('backend');
    const rows = await stored(() => query.execute());
    return new Map(rows.map(({ backend, jobs }) => [backend ?? '', jobs]));
  }

  async changed(known: readonly KnownJob[]): Promise<readonly Job[]> {
    const changed: string[] = [];
    for (const some of inPages(known)) changed.push(...(await this.#idsOfChanged(some)));
    const jobs: Job[] = [];
    for (const ids of inPages(changed)) {
      const query = this.database.kysely.selectFrom('jobs').selectAll().where('id', 'in', ids);
      jobs.push(...(await stored(() => query.execute())).map(toJob));
    }
    return jobs;
  }

  async overdue(now: number, limit: number): Promise<readonly Job[]> {
    const query = waitingJobs(this.database.kysely)
      .selectAll()
      .where('started_at', 'is', null)
      .where('start_by', '<=', now)
      .orderBy('start_by')
      .limit(limit);
    return stored(async () => (await query.execute()).map(toJob));
  }

  async #idsOfChanged(known: readonly KnownJob[]): Promise<string[]> {
    const revisions = new Map(known.map(({ id, revision }) => [id, revision]));
    const query = this.database.kysely
      .selectFrom('jobs')
      .select(['id', 'revision'])
      .where('id', 'in', [...revisions.keys()]);
    const rows = await stored(() => query.execute());
    return rows.filter(({ id, revision }) => revision > (revisions.get(id) ?? Infinity)).map(({ id }) => id);
  }
}

/** A list of values in a statement can not be of any length. */
const PAGE = 500;

function* inPages<T>(all: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let start = 0; start < all.length; start += PAGE) yield all.slice(start, start + PAGE);
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

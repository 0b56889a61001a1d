import type { Kysely } from 'kysely';
import type { OpenJobs } from '../../application/jobs/job-repository';
import type { Job } from '../../domain/job/job';
import { type JobRow, toJob } from './job-rows';
import type { Tables } from './tables';
import { assignedJobs, waitingJobs } from './waiting-jobs';

type Kind<Name extends OpenJobs['kind']> = Extract<OpenJobs, { readonly kind: Name }>;

export async function openJobs(kysely: Kysely<Tables>, jobs: OpenJobs): Promise<readonly Job[]> {
  return (await rowsOf(kysely, jobs)).map(toJob);
}

async function rowsOf(kysely: Kysely<Tables>, jobs: OpenJobs): Promise<JobRow[]> {
  if (jobs.kind === 'assigned') return assigned(kysely, jobs);
  if (jobs.kind === 'to-cancel') return toCancel(kysely, jobs);
  if (jobs.kind === 'overdue') return overdue(kysely, jobs);
  return changed(kysely, jobs);
}

async function assigned(kysely: Kysely<Tables>, { backends }: Kind<'assigned'>): Promise<JobRow[]> {
  if (backends?.length === 0) return [];
  const all = assignedJobs(kysely).selectAll().orderBy('queue_order');
  return (backends ? all.where('backend', 'in', backends) : all).execute();
}

async function toCancel(kysely: Kysely<Tables>, { backends }: Kind<'to-cancel'>): Promise<JobRow[]> {
  if (backends.length === 0) return [];
  return assignedJobs(kysely).selectAll().where('cancel_requested', '=', 1).where('backend', 'in', backends).execute();
}

function overdue(kysely: Kysely<Tables>, { now, limit }: Kind<'overdue'>): Promise<JobRow[]> {
  return waitingJobs(kysely)
    .selectAll()
    .where('started_at', 'is', null)
    .where('start_by', '<=', now)
    .orderBy('start_by')
    .limit(limit)
    .execute();
}

/** Compares revisions first: most jobs are unchanged, and their records stay unread. */
async function changed(kysely: Kysely<Tables>, { known }: Kind<'changed'>): Promise<JobRow[]> {
  const ids: string[] = [];
  for (const some of inPages(known)) {
    const revisions = new Map(some.map(({ id, revision }) => [id, revision]));
    const query = kysely.selectFrom('jobs').select(['id', 'revision']);
    const rows = await query.where('id', 'in', [...revisions.keys()]).execute();
    for (const { id, revision } of rows) if (revision > (revisions.get(id) ?? Infinity)) ids.push(id);
  }
  const rows: JobRow[] = [];
  for (const some of inPages(ids))
    rows.push(...(await kysely.selectFrom('jobs').selectAll().where('id', 'in', some).execute()));
  return rows;
}

/** Both databases limit the number of values in a statement. */
const PAGE = 500;

function* inPages<T>(all: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let start = 0; start < all.length; start += PAGE) yield all.slice(start, start + PAGE);
}

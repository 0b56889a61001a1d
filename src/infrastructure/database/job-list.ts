import type { Kysely } from 'kysely';
import type { JobPage, JobQuery } from '../../application/jobs/job-repository';
import { ComfyUIError } from '../../domain/errors';
import { isWaiting, JOB_STATUSES, type JobStatus } from '../../domain/job/job';
import { positionsOf } from './job-find';
import { toJob } from './job-rows';
import type { Tables } from './tables';

/**
 * Newest first. The place of a job in the list is its `queue_order`, which never changes; the cursor is such a place.
 * @throws ComfyUIError `invalid_request` for an invalid cursor
 */
export async function listJobs(kysely: Kysely<Tables>, { statuses, limit, cursor }: JobQuery): Promise<JobPage> {
  const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(cursor);
  const rows = await newest(kysely, statuses, before, limit + 1);
  const shown = rows.slice(0, limit).map((row) => ({ job: toJob(row), order: row.queue_order }));
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const waiting = shown.filter(({ job }) => isWaiting(job));
  const positions = await positionsOf(
    kysely,
    waiting.map(({ order }) => order),
  );
  const jobs = shown.map(({ job, order }) => ({ job, ahead: positions.get(order) }));
  return { jobs, next: last ? writeCursor(last.order) : null };
}

/**
 * The newest of each status, then the newest of these: each part is read off an index and ends early, and one statement
 * reads a job in one status only.
 */
function newest(kysely: Kysely<Tables>, statuses: readonly JobStatus[] = [], before: number, limit: number) {
  const [first = 'queued', ...others] = new Set(statuses.length > 0 ? statuses : JOB_STATUSES);
  const ofStatus = (status: JobStatus) => kysely.selectFrom(newestOf(kysely, status, before, limit)).selectAll();
  const all = others.reduce((part, status) => part.unionAll(ofStatus(status)), ofStatus(first));
  return all.orderBy('queue_order', 'desc').limit(limit).execute();
}

function newestOf(kysely: Kysely<Tables>, status: JobStatus, before: number, limit: number) {
  return kysely
    .selectFrom('jobs')
    .selectAll()
    .where('status', '=', status)
    .where('queue_order', '<', before)
    .orderBy('queue_order', 'desc')
    .limit(limit)
    .as('newest');
}

function writeCursor(order: number): string {
  return Buffer.from(String(order)).toString('base64url');
}

function readCursor(cursor: string): number {
  const order = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!/^\d{1,16}$/.test(order) || writeCursor(Number(order)) !== cursor) {
    throw new ComfyUIError('invalid_request', 'The cursor must be `next` of the page before.');
  }
  return Number(order);
}

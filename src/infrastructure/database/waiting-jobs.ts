import type { Kysely } from 'kysely';
import type { Tables } from './tables';

/** A job waits while it has no backend and no end. */
export function waitingJobs(kysely: Kysely<Tables>) {
  return kysely.selectFrom('jobs').where('jobs.backend', 'is', null).where('jobs.ended_at', 'is', null);
}

/** Jobs that are assigned to a backend and have not ended. */
export function assignedJobs(kysely: Kysely<Tables>) {
  return kysely.selectFrom('jobs').where('backend', 'is not', null).where('ended_at', 'is', null);
}

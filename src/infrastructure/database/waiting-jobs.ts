import type { Kysely } from 'kysely';
import type { Tables } from './tables';

/** A job waits when it has not ended and is handed to no server. */
export function waitingJobs(kysely: Kysely<Tables>) {
  return kysely.selectFrom('jobs').where('jobs.backend', 'is', null).where('jobs.ended_at', 'is', null);
}

/** Jobs that are handed to a server and have not ended. */
export function handedJobs(kysely: Kysely<Tables>) {
  return kysely.selectFrom('jobs').where('backend', 'is not', null).where('ended_at', 'is', null);
}

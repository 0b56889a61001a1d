import type { Kysely } from 'kysely';
import type { Removal } from '../../application/jobs/job-repository';
import { isJobId } from '../job-id';
import type { Tables } from './tables';

/** @param consumers names of the outbox consumers; entries for others keep no job */
export async function removeJobs(
  kysely: Kysely<Tables>,
  removal: Removal,
  consumers: readonly string[],
): Promise<number> {
  const ended = kysely.deleteFrom('jobs').where('ended_at', 'is not', null);
  const query =
    'id' in removal ? ended.where('id', '=', removal.id) : ended.where('id', 'in', oldJobs(kysely, removal, consumers));
  if ('id' in removal && !isJobId(removal.id)) return 0;
  return Number((await query.executeTakeFirst()).numDeletedRows);
}

function oldJobs(
  kysely: Kysely<Tables>,
  { endedBefore, limit }: Extract<Removal, { readonly endedBefore: number }>,
  consumers: readonly string[],
) {
  const undelivered = kysely.selectFrom('outbox').select('job_id').where('consumer', 'in', consumers);
  return kysely
    .selectFrom('jobs')
    .select('id')
    .where('ended_at', 'is not', null)
    .where('ended_at', '<', endedBefore)
    .$if(consumers.length > 0, (query) => query.where('id', 'not in', undelivered))
    .orderBy('ended_at')
    .limit(limit);
}

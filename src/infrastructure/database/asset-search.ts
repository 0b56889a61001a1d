import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { storableText } from '../../shared/text';
import type { AssetRow } from './asset-rows';
import type { Database } from './database';
import { type AssetFilter, filterAssets, isKind, type SearchPlan } from './asset-filter';

/** The place of an asset in the list; the id orders assets that two processes wrote in the same microsecond. */
export interface Place {
  readonly order: number;
  readonly id: string;
}

/** A batch takes a millisecond or two; the embedded database blocks the process for that long. */
const BATCH = 2_000;

/** The next assets behind a place that pass the filter, newest first. */
export async function newestAssets(
  database: Database,
  filter: AssetFilter,
  behind: Place,
  limit: number,
): Promise<AssetRow[]> {
  const plan = await planFor(database, filter);
  if (plan === 'batches') return searchInBatches(database, filter, behind, limit);
  return newest(database, filter, plan, behind).limit(limit).execute();
}

/** The embedded database searches in batches what it cannot read off an index in order. */
async function planFor({ kysely, dialect }: Database, { label, mediaType, text }: AssetFilter): Promise<SearchPlan> {
  if (dialect === 'postgres') return 'any';
  if (label === undefined) return text || isKind(mediaType) ? 'batches' : 'any';
  const jobs = kysely.selectFrom('generations').select('job_id').where('label', '=', storableText(label));
  const isCommon = await jobs.limit(1).offset(BATCH).executeTakeFirst();
  return isCommon ? 'batches' : 'by-label';
}

/** Other work of the process runs between the batches. */
async function searchInBatches(
  database: Database,
  filter: AssetFilter,
  behind: Place,
  limit: number,
): Promise<AssetRow[]> {
  const found: AssetRow[] = [];
  for (let from = behind; ;) {
    const last = await endOfBatch(database, filter, from);
    let batch = newest(database, filter, 'batches', from);
    if (last) batch = batch.where(sql<boolean>`(created_order, assets.id) >= ${placed(last)}`);
    found.push(...(await batch.limit(limit - found.length).execute()));
    if (!last || found.length === limit) return found;
    from = last;
    await nextTurn();
  }
}

/** The last place of the next batch, counted off an index; undefined: the end of the list. */
async function endOfBatch(
  database: Database,
  { mediaType, ...filter }: AssetFilter,
  from: Place,
): Promise<Place | undefined> {
  const candidates = {
    ...filter,
    label: undefined,
    text: undefined,
    mediaType: isKind(mediaType) ? undefined : mediaType,
  };
  const [last] = await newest(database, candidates, 'batches', from)
    .clearSelect()
    .select(['created_order as order', 'assets.id'])
    .limit(1)
    .offset(BATCH - 1)
    .execute();
  return last;
}

function newest(database: Database, filter: AssetFilter, plan: SearchPlan, behind: Place) {
  return filterAssets(database, filter, plan)
    .where(sql<boolean>`(created_order, assets.id) < ${placed(behind)}`)
    .orderBy('created_order', 'desc')
    .orderBy('assets.id', 'desc');
}

function placed({ order, id }: Place) {
  return sql`(${order}, ${id})`;
}

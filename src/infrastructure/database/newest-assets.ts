import { setImmediate as othersTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { storableText } from '../../shared/text';
import type { AssetRow } from './asset-rows';
import type { Database } from './database';
import { type AssetFilter, type Course, isKind, wantedAssets } from './wanted-assets';

/** Where an asset is in the list; the id orders those that two processes wrote in one microsecond. */
export interface Place {
  readonly order: number;
  readonly id: string;
}

/** A look at so many takes a millisecond or two; the embedded database lets the process wait for it. */
const LOOKED_AT_ONCE = 2_000;

/** Those of the assets asked for that come next behind a place, newest first. */
export async function newestAssets(
  database: Database,
  filter: AssetFilter,
  behind: Place,
  limit: number,
): Promise<AssetRow[]> {
  const course = await courseFor(database, filter);
  if (course === 'in-turn') return lookedThrough(database, filter, behind, limit);
  return newest(database, filter, course, behind).limit(limit).execute();
}

/** Of what the embedded database can not take off an index in order, it is not to look for all in one statement. */
async function courseFor({ kysely, dialect }: Database, { label, mediaType, text }: AssetFilter): Promise<Course> {
  if (dialect === 'postgres') return 'any';
  if (label === undefined) return text || isKind(mediaType) ? 'in-turn' : 'any';
  const jobs = kysely.selectFrom('generations').select('job_id').where('label', '=', storableText(label));
  const isCommon = await jobs.limit(1).offset(LOOKED_AT_ONCE).executeTakeFirst();
  return isCommon ? 'in-turn' : 'by-label';
}

/** Looks at some at a time, and lets others have their turn between. */
async function lookedThrough(
  database: Database,
  filter: AssetFilter,
  behind: Place,
  limit: number,
): Promise<AssetRow[]> {
  const found: AssetRow[] = [];
  for (let from = behind; ;) {
    const last = await lastLookedAt(database, filter, from);
    let among = newest(database, filter, 'in-turn', from);
    if (last) among = among.where(sql<boolean>`(created_order, assets.id) >= ${placed(last)}`);
    found.push(...(await among.limit(limit - found.length).execute()));
    if (!last || found.length === limit) return found;
    from = last;
    await othersTurn();
  }
}

/** Where the next look ends, counted off an index; undefined: at the end of the list. */
async function lastLookedAt(
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
  const [last] = await newest(database, candidates, 'in-turn', from)
    .clearSelect()
    .select(['created_order as order', 'assets.id'])
    .limit(1)
    .offset(LOOKED_AT_ONCE - 1)
    .execute();
  return last;
}

function newest(database: Database, filter: AssetFilter, course: Course, behind: Place) {
  return wantedAssets(database, filter, course)
    .where(sql<boolean>`(created_order, assets.id) < ${placed(behind)}`)
    .orderBy('created_order', 'desc')
    .orderBy('assets.id', 'desc');
}

function placed({ order, id }: Place) {
  return sql`(${order}, ${id})`;
}

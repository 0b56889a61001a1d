import { type ExpressionBuilder, type RawBuilder, sql } from 'kysely';
import type { AssetPage, AssetQuery } from '../../application/ports/asset-store';
import { ComfyUIError } from '../../domain/errors';
import { selectAssets, toAsset } from './asset-rows';
import type { Database } from './database';
import { isJobId } from './job-rows';
import { storableText } from '../../domain/text';
import type { Tables } from './tables';

/** Where an asset is in the list; the id orders those that two processes wrote in one microsecond. */
interface Place {
  readonly order: number;
  readonly id: string;
}

const START: Place = { order: Number.MAX_SAFE_INTEGER, id: '' };
const PLACE = /^(\d{1,16}) ([0-9a-f-]{36})$/;

/**
 * Newest first. The place of an asset in the list is fixed when it comes, and the cursor is such a place.
 * @throws ComfyUIError `invalid_request` for a cursor that is none
 */
export async function listAssets(database: Database, query: AssetQuery): Promise<AssetPage> {
  const { limit, cursor, jobId } = query;
  const { order, id } = cursor === undefined ? START : readCursor(cursor);
  if (jobId !== undefined && !isJobId(jobId)) return { assets: [], next: null };
  const rows = await matching(database, query)
    .where((free) => free(free.refTuple('created_order', 'assets.id'), '<', free.tuple(order, id)))
    .orderBy('created_order', 'desc')
    .orderBy('assets.id', 'desc')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { assets: shown.map(toAsset), next: last ? writeCursor({ order: last.created_order, id: last.id }) : null };
}

function matching({ kysely, dialect }: Database, { jobId, mediaType, label, text, ...times }: AssetQuery) {
  let found = selectAssets(kysely);
  const { createdFrom, createdBefore } = times;
  if (jobId !== undefined) found = found.where('assets.job_id', '=', jobId);
  if (createdFrom !== undefined) found = found.where('created_order', '>=', orderAt(createdFrom));
  if (createdBefore !== undefined) found = found.where('created_order', '<', orderAt(createdBefore));
  if (mediaType !== undefined) found = found.where((free) => isOfType(free, mediaType, dialect));
  if (label !== undefined) found = found.where('label', '=', storableText(label));
  if (text) found = found.where(sql<boolean>`prompt_text like ${containing(text)} escape '!'`);
  return found;
}

/** `created_order` counts microseconds. Beyond what a number holds exactly there are no assets. */
function orderAt(ms: number): number {
  return Math.max(0, Math.min(ms * 1000, Number.MAX_SAFE_INTEGER));
}

/** All of a kind lie between `image/` and what comes after it, `image0`. */
function isOfType(free: ExpressionBuilder<Tables, 'assets'>, mediaType: string, dialect: Database['dialect']) {
  const wanted = storableText(mediaType);
  if (!wanted.endsWith('/*')) return free('media_type', '=', wanted);
  const kind = wanted.slice(0, -2);
  const type = byBytes(dialect);
  return free.and([free(type, '>=', `${kind}/`), free(type, '<', `${kind}0`)]);
}

/**
 * PostgreSQL would compare as its database does, and languages may pass over a slash. The plus keeps SQLite from taking
 * all of a kind off the index of types and sorting them: as a rule the newest few assets are of it.
 */
function byBytes(dialect: Database['dialect']): RawBuilder<string> {
  return dialect === 'postgres' ? sql<string>`media_type collate "C"` : sql<string>`+media_type`;
}

/** As a pattern of LIKE, in which `%` and `_` stand for anything. */
function containing(text: string): string {
  return `%${storableText(text.toLowerCase()).replace(/[!%_]/g, '!$&')}%`;
}

function writeCursor({ order, id }: Place): string {
  return Buffer.from(`${order} ${id}`).toString('base64url');
}

function readCursor(cursor: string): Place {
  const [, order = '', id = ''] = PLACE.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const place = { order: Number(order), id };
  if (isJobId(id) && writeCursor(place) === cursor) return place;
  throw new ComfyUIError('invalid_request', 'The cursor must be `next` of the page before.');
}

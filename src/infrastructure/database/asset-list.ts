import type { AssetPage, AssetQuery } from '../../application/assets/asset-repository';
import { ComfyUIError } from '../../domain/errors';
import { toAsset } from './asset-rows';
import type { Database } from './database';
import { isJobId } from '../job-id';
import { newestAssets, type Place } from './asset-search';

const START: Place = { order: Number.MAX_SAFE_INTEGER, id: '' };
const PLACE = /^(\d{1,16}) ([0-9a-f-]{36})$/;

/**
 * Newest first. The place of an asset in the list never changes; the cursor is such a place.
 * @throws ComfyUIError `invalid_request` for an invalid cursor
 */
export async function listAssets(database: Database, query: AssetQuery): Promise<AssetPage> {
  const { limit, cursor, ...filter } = query;
  const behind = cursor === undefined ? START : readCursor(cursor);
  if (filter.jobId !== undefined && !isJobId(filter.jobId)) return { assets: [], next: null };
  const rows = await newestAssets(database, filter, behind, limit + 1);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { assets: shown.map(toAsset), next: last ? writeCursor({ order: last.created_order, id: last.id }) : null };
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

import { type ExpressionBuilder, sql } from 'kysely';
import type { AssetQuery } from '../../application/assets/asset-repository';
import { storableText } from '../../shared/text';
import { selectAssets } from './asset-rows';
import type { Database } from './database';
import type { Tables } from './tables';

export type AssetFilter = Omit<AssetQuery, 'limit' | 'cursor'>;

/** How assets are found: as the database likes best, all that have the label, or by looking at one after the other. */
export type Course = 'any' | 'by-label' | 'in-turn';

/** All assets that are asked for, in no order. A plus keeps SQLite off the index that a column has. */
export function wantedAssets({ kysely, dialect }: Database, filter: AssetFilter, course: Course) {
  const { jobId, mediaType, label, text, createdFrom, createdBefore } = filter;
  const type = course === 'by-label' ? sql<string>`+media_type` : 'media_type';
  let found = selectAssets(kysely);
  if (jobId !== undefined) found = found.where('assets.job_id', '=', jobId);
  if (createdFrom !== undefined) found = found.where('created_order', '>=', orderAt(createdFrom));
  if (createdBefore !== undefined) found = found.where('created_order', '<', orderAt(createdBefore));
  if (isKind(mediaType)) found = found.where((free) => isOfKind(free, mediaType, dialect));
  else if (mediaType !== undefined) found = found.where(type, '=', storableText(mediaType));
  if (label !== undefined)
    found = found.where(course === 'in-turn' ? sql<string>`+label` : 'label', '=', storableText(label));
  if (text) found = found.where(sql<boolean>`prompt_text like ${containing(text)} escape '!'`);
  return found;
}

/** Whether it stands for many types: `image/*`. */
export function isKind(mediaType: string | undefined): mediaType is `${string}/*` {
  return mediaType?.endsWith('/*') ?? false;
}

/** `created_order` counts microseconds. Beyond what a number holds exactly there are no assets. */
function orderAt(ms: number): number {
  return Math.max(0, Math.min(ms * 1000, Number.MAX_SAFE_INTEGER));
}

/**
 * All of a kind lie between `image/` and what comes after it, `image0`. PostgreSQL would compare as its database does, and
 * languages may pass over a slash. SQLite would take all of a kind off the index of types and sort them: as a rule the newest
 * few assets are of it.
 */
function isOfKind(free: ExpressionBuilder<Tables, 'assets'>, mediaType: string, dialect: Database['dialect']) {
  const kind = storableText(mediaType).slice(0, -2);
  const type = dialect === 'postgres' ? sql<string>`media_type collate "C"` : sql<string>`+media_type`;
  return free.and([free(type, '>=', `${kind}/`), free(type, '<', `${kind}0`)]);
}

/** As a pattern of LIKE, in which `%` and `_` stand for anything. */
function containing(text: string): string {
  return `%${storableText(text.toLowerCase()).replace(/[!%_]/g, '!$&')}%`;
}

import { type ExpressionBuilder, sql } from 'kysely';
import type { AssetQuery } from '../../application/assets/asset-repository';
import { storableText } from '../../shared/text';
import { selectAssets } from './asset-rows';
import type { Database } from './database';
import type { Tables } from './tables';

export type AssetFilter = Omit<AssetQuery, 'limit' | 'cursor'>;

/** How assets are found: as the database plans it, by the index of labels, or in batches in the order of the list. */
export type SearchPlan = 'any' | 'by-label' | 'batches';

/** The assets that pass the filter, in no order. A plus keeps SQLite off the index of a column. */
export function filterAssets({ kysely, dialect }: Database, filter: AssetFilter, plan: SearchPlan) {
  const { jobId, mediaType, label, text, createdFrom, createdBefore } = filter;
  const type = plan === 'by-label' ? sql<string>`+media_type` : 'media_type';
  let found = selectAssets(kysely);
  if (jobId !== undefined) found = found.where('assets.job_id', '=', jobId);
  if (createdFrom !== undefined) found = found.where('created_order', '>=', orderAt(createdFrom));
  if (createdBefore !== undefined) found = found.where('created_order', '<', orderAt(createdBefore));
  if (isKind(mediaType)) found = found.where((free) => isOfKind(free, mediaType, dialect));
  else if (mediaType !== undefined) found = found.where(type, '=', storableText(mediaType));
  if (label !== undefined)
    found = found.where(plan === 'batches' ? sql<string>`+label` : 'label', '=', storableText(label));
  if (text) found = found.where(sql<boolean>`prompt_text like ${containing(text)} escape '!'`);
  return found;
}

/** Whether it matches many types: `image/*`. */
export function isKind(mediaType: string | undefined): mediaType is `${string}/*` {
  return mediaType?.endsWith('/*') ?? false;
}

/** `created_order` counts microseconds. No asset is beyond the integers that a number holds exactly. */
function orderAt(ms: number): number {
  return Math.max(0, Math.min(ms * 1000, Number.MAX_SAFE_INTEGER));
}

/**
 * All of a kind are between `image/` and its successor `image0`. PostgreSQL would compare by the collation of its database,
 * which may ignore a slash. SQLite would read all of a kind off the index of types and sort them, although as a rule the
 * newest few assets are of that kind.
 */
function isOfKind(free: ExpressionBuilder<Tables, 'assets'>, mediaType: string, dialect: Database['dialect']) {
  const kind = storableText(mediaType).slice(0, -2);
  const type = dialect === 'postgres' ? sql<string>`media_type collate "C"` : sql<string>`+media_type`;
  return free.and([free(type, '>=', `${kind}/`), free(type, '<', `${kind}0`)]);
}

/** The text as a pattern of LIKE, with its `%` and `_` escaped. */
function containing(text: string): string {
  return `%${storableText(text.toLowerCase()).replace(/[!%_]/g, '!$&')}%`;
}

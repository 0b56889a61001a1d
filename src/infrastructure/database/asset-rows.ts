import type { Kysely } from 'kysely';
import type { Asset, Description } from '../../domain/asset';
import type { CollectedFile } from '../../domain/job/job';
import { parseJson } from '../../shared/json';
import { type GenerationFacts, generationFacts } from '../../domain/workflow/generation-facts';
import type { Tables } from './tables';

export type AssetRow = Awaited<ReturnType<ReturnType<typeof selectAssets>['executeTakeFirstOrThrow']>>;

/** The facts of an asset without a row in `generations`. */
const NO_FACTS = generationFacts({});

/** Assets with the label and the facts of their job. */
export function selectAssets(kysely: Kysely<Tables>) {
  return kysely
    .selectFrom('assets')
    .leftJoin('generations', 'generations.job_id', 'assets.job_id')
    .selectAll('assets')
    .select(['generations.label', 'generations.facts']);
}

export function toAsset(row: AssetRow): Asset {
  return {
    id: row.id,
    jobId: row.job_id,
    createdAt: Math.floor(row.created_order / 1000),
    file: toFile(row),
    description: toDescription(row),
  };
}

function toFile(row: AssetRow): CollectedFile {
  return {
    assetId: row.id,
    sha256: row.sha256,
    mediaType: row.media_type,
    sizeBytes: row.size_bytes,
    ...(row.width !== null && { width: row.width }),
    ...(row.height !== null && { height: row.height }),
    ...(row.duration_seconds !== null && { durationSeconds: row.duration_seconds }),
    nodeId: row.node_id,
    filename: row.filename,
    subfolder: row.subfolder,
    type: row.type,
  };
}

function toDescription({ label, facts }: AssetRow): Description {
  return { label, facts: facts === null ? NO_FACTS : (parseJson(facts) as GenerationFacts) };
}

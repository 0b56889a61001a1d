import type { CollectedFile, Job } from './job/job';
import { withStorableTexts } from '../shared/text';
import type { GenerationFacts } from './workflow/generation-facts';

/** A row of the generations table, as JSON. docs/supabase.sql documents the columns. */
export interface GenerationRow {
  readonly job_id: string;
  readonly status: string;
  readonly label: string | null;
  readonly prompt: string | null;
  readonly negative_prompt: string | null;
  /** Decimal digits: a JSON number does not hold every seed. */
  readonly seed: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly steps: number | null;
  readonly cfg: number | null;
  readonly sampler: string | null;
  readonly scheduler: string | null;
  readonly denoise: number | null;
  readonly model: string | null;
  readonly models: readonly string[];
  readonly loras: readonly object[];
  readonly workflow_hash: string;
  readonly files: readonly object[];
  readonly image_urls: readonly string[];
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly attempts: number;
  readonly queued_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration_ms: number | null;
}

export interface LinkedFile {
  readonly file: CollectedFile;
  readonly url: string;
}

/** The parameters read from a workflow, and the hash that finds equal workflows. */
export interface GraphFacts {
  readonly facts: GenerationFacts;
  readonly workflowHash: string;
}

/** Characters. Texts may have megabytes, which exceeds the limits of indexes and of some gateways. */
const LONGEST_TEXT = 100_000;
/** Characters of an indexed column: a PostgreSQL index entry has 2,704 bytes at most. */
const LONGEST_NAME = 500;
const LARGEST_INTEGER = 2_147_483_647;

/**
 * The row of a job, valid for PostgreSQL whatever the workflow contains: the database would refuse an invalid row on
 * every retry.
 */
export function generationRow(
  job: Job,
  { facts, workflowHash }: GraphFacts,
  files: readonly LinkedFile[],
): GenerationRow {
  return withStorableTexts({
    job_id: job.id,
    status: job.status,
    label: cut(job.label, LONGEST_NAME),
    ...promptColumns(facts),
    ...sizeColumns(facts, files),
    ...samplingColumns(facts),
    ...modelColumns(facts),
    workflow_hash: workflowHash,
    files: files.map(fileRecord),
    image_urls: files.filter(({ file }) => file.mediaType.startsWith('image/')).map(({ url }) => url),
    ...outcomeColumns(job),
  });
}

function promptColumns({ positive, negative }: GenerationFacts) {
  return { prompt: cut(joined(positive), LONGEST_TEXT), negative_prompt: cut(joined(negative), LONGEST_TEXT) };
}

/** Falls back to the size of the first image, as for runs that start from an image: their graph has no size. */
function sizeColumns({ width, height }: GenerationFacts, files: readonly LinkedFile[]) {
  const image = files.find(({ file }) => file.width !== undefined && file.height !== undefined)?.file;
  const hasSize = width !== null && height !== null;
  return { width: integer(hasSize ? width : image?.width), height: integer(hasSize ? height : image?.height) };
}

function samplingColumns({ seed, steps, cfg, samplerName, scheduler, denoise }: GenerationFacts) {
  return {
    seed,
    steps: integer(steps),
    cfg,
    sampler: cut(samplerName, LONGEST_NAME),
    scheduler: cut(scheduler, LONGEST_NAME),
    denoise,
  };
}

function modelColumns({ models, loras }: GenerationFacts) {
  return {
    model: cut(models[0], LONGEST_NAME),
    models,
    loras: loras.map(({ name, strengthModel, strengthClip }) => ({
      name,
      strength_model: strengthModel,
      strength_clip: strengthClip,
    })),
  };
}

function outcomeColumns({ error, attempts, queuedAt, startedAt, endedAt }: Job) {
  const hasRun = startedAt !== undefined && endedAt !== undefined;
  return {
    error_code: error?.code ?? null,
    error_message: cut(error?.message, LONGEST_TEXT),
    attempts: attempts.filter((attempt) => attempt.startedAt !== undefined).length,
    queued_at: timestamp(queuedAt),
    started_at: startedAt === undefined ? null : timestamp(startedAt),
    ended_at: endedAt === undefined ? null : timestamp(endedAt),
    duration_ms: hasRun ? Math.max(0, endedAt - startedAt) : null,
  };
}

function fileRecord({ file, url }: LinkedFile): object {
  return {
    asset_id: file.assetId,
    node_id: file.nodeId,
    filename: file.filename,
    media_type: file.mediaType,
    size_bytes: file.sizeBytes,
    width: file.width ?? null,
    height: file.height ?? null,
    duration_seconds: file.durationSeconds ?? null,
    sha256: file.sha256,
    url,
  };
}

function joined(texts: readonly string[]): string | null {
  return texts.length > 0 ? texts.join('\n') : null;
}

function cut(text: string | null | undefined, longest: number): string | null {
  if (text === null || text === undefined) return null;
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** Null for numbers outside the column's range: ComfyUI fails such a job, and its row is published as well. */
function integer(value: number | null | undefined): number | null {
  return Number.isInteger(value) && Math.abs(value!) <= LARGEST_INTEGER ? value! : null;
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

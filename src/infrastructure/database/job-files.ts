import type { Kysely } from 'kysely';
import type { FileChanges } from '../../application/jobs/job-repository';
import type { Description } from '../../domain/asset';
import type { CollectedFile, Job } from '../../domain/job/job';
import { stringifyJson } from '../../shared/json';
import { storableText } from '../../shared/text';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Transaction } from './statements';
import type { AssetsTable, FilesTable, GenerationsTable, Tables } from './tables';

/** Writes the changes of a job's files. */
export class JobFiles {
  readonly #insertAsset = new PreparedQuery(insertAsset);
  readonly #keepFile = new PreparedQuery(keepFile);
  readonly #describe = new PreparedQuery(describe);
  #lastOrder = 0;

  /** In the transaction that writes the job. */
  send(transaction: Transaction, job: Job, { added, dropped, description }: FileChanges): void {
    if (dropped.length > 0) {
      const ids = dropped.map(({ assetId }) => assetId);
      transaction.send(transaction.kysely.deleteFrom('assets').where('id', 'in', ids).compile());
    }
    if (added.length === 0) return;
    this.#describe.send(transaction, generationRow(job, description));
    const now = Date.now();
    for (const file of added) {
      this.#keepFile.send(transaction, { sha256: file.sha256, stored_at: now, removing_at: null });
      this.#insertAsset.send(transaction, this.#assetRow(job, file, now));
    }
  }

  #assetRow(job: Job, file: CollectedFile, now: number): AssetsTable {
    this.#lastOrder = Math.max(now * 1000, this.#lastOrder + 1);
    return {
      id: file.assetId,
      job_id: job.id,
      created_order: this.#lastOrder,
      sha256: file.sha256,
      media_type: file.mediaType,
      size_bytes: file.sizeBytes,
      width: file.width ?? null,
      height: file.height ?? null,
      duration_seconds: file.durationSeconds ?? null,
      node_id: file.nodeId,
      filename: storableText(file.filename),
      subfolder: storableText(file.subfolder),
      type: file.type,
    };
  }
}

function generationRow(job: Job, { label, facts }: Description): GenerationsTable {
  const texts = [...facts.positive, ...facts.negative].join('\n').toLowerCase();
  return {
    job_id: job.id,
    label: label && storableText(label),
    prompt_text: storableText(texts),
    facts: stringifyJson(facts),
  };
}

/** The row exists when the answer to an earlier write was lost. */
function insertAsset(kysely: Kysely<Tables>, row: Placeholders<AssetsTable>) {
  return kysely
    .insertInto('assets')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing());
}

function keepFile(kysely: Kysely<Tables>, row: Placeholders<FilesTable>) {
  const { stored_at } = row;
  return kysely
    .insertInto('files')
    .values(row)
    .onConflict((conflict) => conflict.column('sha256').doUpdateSet({ stored_at }));
}

function describe(kysely: Kysely<Tables>, row: Placeholders<GenerationsTable>) {
  return kysely
    .insertInto('generations')
    .values(row)
    .onConflict((conflict) => conflict.column('job_id').doNothing());
}

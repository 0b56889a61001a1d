import { describe as describedBy, type Description } from '../../src/domain/asset';
import type { CollectedFile, Job } from '../../src/domain/job/job';
import type { Workflow } from '../../src/domain/workflow/workflow';
import { collected } from '../support/collected';
import { encode, graph } from '../support/graphs';
import { waitingJob } from './jobs';
import type { Opened } from './opened';

export const DESCRIBED = describedBy({ label: 'portrait', workflow: graph() });

/** The description of a run with these prompts. */
export function promptOf(positive: string, label: string | null = null, negative = 'blurry'): Description {
  const changes: Workflow = { positive: encode(positive), negative: encode(negative) };
  return describedBy({ label, workflow: graph(changes) });
}

/** Writes files with a job, as its run does. */
export async function addFiles(
  { jobs }: Opened,
  job: Job,
  added: readonly CollectedFile[],
  description: Description = DESCRIBED,
): Promise<void> {
  const isWritten = await jobs.save(job, job.fencingToken, { files: { added, dropped: [], description } });
  if (!isWritten) throw new Error('the write was refused');
}

/** A new job with one file, and the id of its asset. */
export async function addAsset(
  opened: Opened,
  file: Partial<CollectedFile> = {},
  description?: Description,
): Promise<{ readonly id: string; readonly job: Job; readonly file: CollectedFile }> {
  const job = await opened.add(waitingJob());
  const made = collected(file);
  await addFiles(opened, job, [made], description);
  return { id: made.assetId, job, file: made };
}

/** Changes the time of an asset, in microseconds since the epoch. */
export async function movedTo({ database }: Opened, id: string, order: number): Promise<void> {
  await database.kysely.updateTable('assets').set({ created_order: order }).where('id', '=', id).execute();
}

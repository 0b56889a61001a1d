import type { CollectedFile, Job } from './job/job';
import { type GenerationFacts, generationFacts } from './workflow/generation-facts';
import type { Workflow } from './workflow/workflow';

/**
 * The searchable description of a job's files.
 *
 * @publicApi
 */
export interface Description {
  /** The label of the workflow, set by the client. */
  readonly label: string | null;
  readonly facts: GenerationFacts;
}

/**
 * A file that a job produced, while it is kept.
 *
 * @publicApi
 */
export interface Asset {
  /** Lowercase UUID. */
  readonly id: string;
  readonly jobId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly file: CollectedFile;
  readonly description: Description;
}

export function describe({ label, workflow }: Pick<Job, 'label'> & { readonly workflow: Workflow }): Description {
  return { label, facts: generationFacts(workflow) };
}

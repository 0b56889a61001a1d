import type { CollectedFile, Job } from './job/job';
import { type GenerationFacts, generationFacts } from './workflow/generation-facts';
import type { Workflow } from './workflow/workflow';

/** What a gallery finds the files of a job by. */
export interface Description {
  /** The caller's word for the workflow. */
  readonly label: string | null;
  readonly facts: GenerationFacts;
}

/** A file that a job made, for as long as it is kept. */
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

import { createHash } from 'node:crypto';
import { type GenerationRow, generationRow, type LinkedFile } from '../../domain/generation-row';
import type { Job } from '../../domain/job/job';
import { generationFacts } from '../../domain/workflow/generation-facts';
import type { Workflow } from '../../domain/workflow/workflow';
import { canonicalWorkflow } from '../../domain/workflow/workflow-text';
import type { AssetLinks } from '../assets/asset-links';
import type { JobRepository } from '../jobs/job-repository';

/** The rows of ended jobs, for a table outside. */
export class GenerationRows {
  constructor(
    private readonly jobs: JobRepository,
    private readonly links: AssetLinks,
  ) {}

  /** Whether the URLs in the rows are of use outside this service. */
  get urlsAreComplete(): boolean {
    return this.links.areComplete;
  }

  /**
   * The row of a job as it is now; undefined when it is deleted.
   * @throws ComfyUIError `storage_failed`
   */
  async rowOf(jobId: string, signal: AbortSignal): Promise<GenerationRow | undefined> {
    const stored = await this.jobs.find(jobId, { withWorkflow: true });
    if (!stored) return undefined;
    const { job, workflow } = stored;
    const facts = { facts: generationFacts(workflow), workflowHash: hashOf(workflow) };
    return generationRow(job, facts, await this.#linked(job, signal));
  }

  async #linked({ outputs }: Job, signal: AbortSignal): Promise<LinkedFile[]> {
    const linked: LinkedFile[] = [];
    for (const file of outputs) linked.push({ file, url: await this.links.lasting(file, signal) });
    return linked;
  }
}

function hashOf(workflow: Workflow): string {
  return createHash('sha256').update(canonicalWorkflow(workflow)).digest('hex');
}

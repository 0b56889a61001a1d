import { createHash } from 'node:crypto';
import { type GenerationRow, generationRow } from '../../src/domain/generation-row';
import type { Job } from '../../src/domain/job/job';
import { generationFacts } from '../../src/domain/workflow/generation-facts';
import type { Workflow } from '../../src/domain/workflow/workflow';
import { canonicalWorkflow } from '../../src/domain/workflow/workflow-text';
import { fullJob } from '../store/jobs';
import { graph } from '../support/graphs';

/** The row of a job with all fields. */
export function rowOf(fields: Partial<Job> = {}, workflow: Workflow = graph()): GenerationRow {
  const job = { ...fullJob(), ...fields };
  const workflowHash = createHash('sha256').update(canonicalWorkflow(workflow)).digest('hex');
  const files = job.outputs.map((file) => ({ file, url: `https://comfy.example/assets/${file.assetId}` }));
  return generationRow(job, { facts: generationFacts(workflow), workflowHash }, files);
}

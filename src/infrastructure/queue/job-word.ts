import type { StoredJob } from '../../application/jobs/job-repository';
import { readWorkflow, writeWorkflow } from '../../domain/workflow/workflow-text';
import { isJobId } from '../job-id';
import { readTold, writeTold } from '../job-message.codec';

/** Of larger jobs the id is enough: every process hears of them, and one at most takes them. */
const LARGE = { nodes: 200, characters: 100_000 } as const;

export interface JobWord {
  readonly jobId: string;
  readonly job?: StoredJob;
}

/** What is told of a job that just came: lines with its id, itself and its workflow. */
export function writeJobWord({ job, workflow }: StoredJob): string {
  if (Object.keys(workflow).length > LARGE.nodes) return job.id;
  const text = writeWorkflow(workflow);
  return text.length > LARGE.characters ? job.id : `${job.id}\n${writeTold(job)}\n${text}`;
}

/** Undefined of what is none. */
export function readJobWord(word: string): JobWord | undefined {
  const [jobId = '', note, text] = word.split('\n');
  if (!isJobId(jobId)) return undefined;
  const job = note === undefined ? undefined : readTold(note)?.job;
  const workflow = text === undefined ? undefined : workflowOf(text);
  return job?.id === jobId && workflow ? { jobId, job: { job, workflow } } : { jobId };
}

function workflowOf(text: string): StoredJob['workflow'] | undefined {
  try {
    return readWorkflow(text);
  } catch {
    return undefined;
  }
}

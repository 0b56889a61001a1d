import { createHash, randomBytes } from 'node:crypto';
import type { JobEventBus, JobSnapshot } from '../../src/application/jobs/job-event-bus';
import type { CollectedFile, Job } from '../../src/domain/job/job';
import type { Preview } from '../../src/domain/job/run-event';
import { fullJob, started, waitingJob } from '../store/jobs';

/** A running job with everything a running job can have. */
export function fullRunningJob(): Job {
  return { ...fullJob(), status: 'running' };
}

export function runningJob(): Job {
  const { acceptance: _none, ...job } = started(waitingJob());
  return job;
}

/** The same job, so many changes later. */
export function later(job: Job, by = 1): Job {
  return { ...job, revision: job.revision + by };
}

export function ended(job: Job): Job {
  return { ...later(job), status: 'succeeded', backend: null };
}

/** A job too large for any message of a bus. */
export function hugeJob(): Job {
  return { ...runningJob(), texts: [{ nodeId: '1', text: 'x'.repeat(5_000_000) }] };
}

export function randomPreview(bytes = 50_000): Preview {
  return { mediaType: 'image/jpeg', nodeId: '3', image: randomBytes(bytes) };
}

/** Everything that one subscription receives. */
export interface Received {
  readonly snapshots: JobSnapshot[];
  readonly files: CollectedFile[];
  /** Ids of the job, once for each change without a snapshot. */
  readonly changes: string[];
  readonly unsubscribe: () => void;
}

export function receiving(bus: JobEventBus, { id }: Pick<Job, 'id'>): Received {
  const received = { snapshots: [] as JobSnapshot[], files: [] as CollectedFile[], changes: [] as string[] };
  const unsubscribe = bus.subscribe(id, {
    onSnapshot: (snapshot) => received.snapshots.push(snapshot),
    onChanged: () => received.changes.push(id),
    onFile: (file) => received.files.push(file),
  });
  return { ...received, unsubscribe };
}

/** Everything that the subscription of a process receives. */
export function receivingAsProcess(bus: JobEventBus): { readonly work: true[]; readonly cancellations: string[] } {
  const received = { work: [] as true[], cancellations: [] as string[] };
  bus.subscribeProcess({
    onWork: () => received.work.push(true),
    onCancellation: (jobId) => received.cancellations.push(jobId),
  });
  return received;
}

export async function latestOf(bus: JobEventBus, { id }: Pick<Job, 'id'>): Promise<JobSnapshot | undefined> {
  return (await bus.latest([id]))[0];
}

/** With a hash of the preview: jest takes seconds to compare all its bytes. */
export function hashed(snapshot: JobSnapshot | undefined): object | undefined {
  if (!snapshot || !('preview' in snapshot)) return snapshot;
  const { job, preview } = snapshot;
  return { job, preview: preview && { ...preview, image: createHash('sha256').update(preview.image).digest('hex') } };
}

import { createHash, randomBytes } from 'node:crypto';
import type { JobEventBus, JobSnapshot } from '../../src/application/jobs/job-event-bus';
import type { Job } from '../../src/domain/job/job';
import type { Preview } from '../../src/domain/job/run-event';
import { fullJob, started, waitingJob } from '../store/jobs';

/** A job at work that has everything such a job can have. */
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

export function picture(bytes = 50_000): Preview {
  return { mediaType: 'image/jpeg', nodeId: '3', image: randomBytes(bytes) };
}

/** All that is heard of a job from now on. */
export function hearing(news: JobEventBus, { id }: Pick<Job, 'id'>): { heard: JobSnapshot[]; stop: () => void } {
  const heard: JobSnapshot[] = [];
  return { heard, stop: news.listen(id, (snapshot) => heard.push(snapshot)) };
}

export async function latestOf(news: JobEventBus, { id }: Pick<Job, 'id'>): Promise<JobSnapshot | undefined> {
  return (await news.latest([id]))[0];
}

/** With a hash of the picture: comparing all its bytes takes jest seconds. */
export function hashed(snapshot: JobSnapshot | undefined): object | undefined {
  if (!snapshot || !('preview' in snapshot)) return snapshot;
  const { job, preview } = snapshot;
  return { job, preview: preview && { ...preview, image: createHash('sha256').update(preview.image).digest('hex') } };
}

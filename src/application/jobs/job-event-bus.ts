import type { CollectedFile, Job } from '../../domain/job/job';
import type { Preview } from '../../domain/job/run-event';

/** A job as it is in the process that runs it. */
export interface JobSnapshot {
  readonly job: Job;
  /** The last preview of the current node. */
  readonly preview?: Preview;
}

export interface JobSubscriber {
  /** Called with each newer snapshot; intermediate ones may be missing. */
  readonly onSnapshot: (snapshot: JobSnapshot) => void;
  /** The job changed, and the bus does not carry how: the database has it. */
  readonly onChanged: () => void;
  /** A file of the job is in the storage; the job that lists it is stored a moment later. */
  readonly onFile: (file: CollectedFile) => void;
}

export interface ProcessSubscriber {
  /** Another process stored a job that waits, or released a slot's worth of work: waiting jobs are worth a claim. */
  readonly onWork: () => void;
  /** A cancellation was requested for a job that this process may run. */
  readonly onCancellation: (jobId: string) => void;
}

/**
 * Carries events of jobs between processes: quickly, and without a guarantee. Any message may get lost; the database has what
 * happened, the bus only makes it known sooner, together with progress and previews, which are not stored. No call rejects or
 * waits for other processes.
 */
export abstract class JobEventBus {
  /** Publishes the state of a job that runs here. Of several in quick succession the last one is enough. */
  abstract publish(snapshot: JobSnapshot): void;

  /** Publishes a file that a job that runs here will list. */
  abstract publishFile(jobId: string, file: CollectedFile): void;

  /** Publishes that a job waits, to processes that run jobs. */
  abstract publishWork(): void;

  /** Publishes a requested cancellation. */
  abstract publishCancellation(jobId: string): void;

  /** The last published snapshot of each of these jobs, where the bus keeps it. */
  abstract latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]>;

  /** Receives the events of one job. @returns unsubscribes */
  abstract subscribe(jobId: string, subscriber: JobSubscriber): () => void;

  /** Receives what concerns all processes. One subscriber at most. */
  abstract subscribeProcess(subscriber: ProcessSubscriber): void;
}

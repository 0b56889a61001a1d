import type { CollectedFile, Job } from '../../domain/job/job';
import type { Preview } from '../../domain/job/run-event';

/** A job that runs in this or another process, as it is there now. */
export interface JobSnapshot {
  readonly job: Job;
  /** The last preview of the node at work. */
  readonly preview?: Preview;
}

/**
 * What processes tell one another of jobs, quickly and without a promise: anything may get lost, and a reader may skip what
 * is not the latest. The store knows what happened; this knows it sooner, and knows progress and previews, which are not stored.
 * No call rejects or waits for others.
 */
export abstract class JobEventBus {
  /** Tells how a job is. Of several in quick succession the others may hear the last one only. */
  abstract tell(snapshot: JobSnapshot): void;

  /** The last that was told of each of these jobs, for a while after it; undefined where nothing is known. */
  abstract latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]>;

  /** Tells of a file that a job will have: it is stored, the job with it is not yet. Who will need its bytes can fetch them meanwhile. */
  abstract foretell(jobId: string, file: CollectedFile): void;

  /**
   * Hears what others tell of a job from now on.
   * @param expect hears of files that it will have
   * @returns stops listening
   */
  abstract listen(
    jobId: string,
    hear: (snapshot: JobSnapshot) => void,
    expect?: (file: CollectedFile) => void,
  ): () => void;

  /** Asks whoever runs a job to look whether it is to be canceled. */
  abstract askToCancel(jobId: string): void;

  /** Hears such requests. At most one listens. */
  abstract onCancel(hear: (jobId: string) => void): void;
}

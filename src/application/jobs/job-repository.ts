import type { Description } from '../../domain/asset';
import type { CollectedFile, Job, JobStatus } from '../../domain/job/job';
import type { Workflow } from '../../domain/workflow/workflow';
import type { Lease } from '../backends/lease-repository';

/** A job and what it runs. */
export interface StoredJob {
  readonly job: Job;
  readonly workflow: Workflow;
}

export interface JobEntry extends StoredJob {
  /** The job with an assignment, for a backend with a free slot: stored instead unless others wait or the lease is lost. */
  readonly assigned?: AssignedJob;
  /** Limit of waiting jobs; 0 only finds a job by its idempotency key. */
  readonly maxQueue: number;
  readonly idempotency?: Idempotency;
}

/** A job as assigned to a backend, and the lease under which it is. */
export interface AssignedJob {
  readonly job: Job;
  readonly lease: Lease | undefined;
}

/** The caller's key and a hash of the request. Kept for 24 hours from `queuedAt`. */
export interface Idempotency {
  readonly key: string;
  readonly requestHash: string;
}

export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

/** One step of priority is worth so many milliseconds of waiting, so low priority waits longer, but not forever. */
export const PRIORITY_STEP_MS = 10_000;

export interface Claim {
  /**
   * Assigns a waiting job to a backend, or returns undefined where no backend of this process can run it now: then all jobs
   * with the same requirements are passed over in this claim. Synchronous; called for one job after the other, in queue order.
   */
  assign(job: Job): AssignedJob | undefined;
  /** Only these jobs; default: all. */
  readonly only?: readonly string[];
}

/** The changes of a job's files that go with a write. */
export interface FileChanges {
  /** In the storage, and not yet written with the job. */
  readonly added: readonly CollectedFile[];
  /** Of an abandoned attempt. */
  readonly dropped: readonly CollectedFile[];
  readonly description: Description;
}

export interface SaveOptions {
  readonly files?: FileChanges;
  /** The lease of the backend concerned: the write is refused once another process holds it. */
  readonly lease?: Lease;
}

/** All conditions hold; without any: all jobs. */
export interface JobQuery {
  /** Any of these. */
  readonly statuses?: readonly JobStatus[];
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly QueuedJob[];
  /** Cursor of the page after; null at the end. */
  readonly next: string | null;
}

/** A job and how many wait before it; undefined unless it waits. */
export interface QueuedJob {
  readonly job: Job;
  readonly ahead: number | undefined;
}

/** Jobs that have not ended, by what happens to them next. */
export type OpenJobs =
  /** Assigned to any of these backends; undefined: to any backend at all. In queue order. */
  | { readonly kind: 'assigned'; readonly backends?: readonly string[] }
  /** Assigned to any of these backends, with a requested cancellation. */
  | { readonly kind: 'to-cancel'; readonly backends: readonly string[] }
  /** Waiting, never started, with `startBy` in the past; at most `limit`, earliest first. */
  | { readonly kind: 'overdue'; readonly now: number; readonly limit: number }
  /** Stored with a later revision than known; these may have ended. */
  | { readonly kind: 'changed'; readonly known: readonly Pick<Job, 'id' | 'revision'>[] };

export type Removal =
  /** An ended job. */
  | { readonly id: string }
  /** At most `limit` jobs that ended before a time (ms since the epoch) and have no outbox entry. */
  | { readonly endedBefore: number; readonly limit: number };

/**
 * The jobs and their queue: a job waits while it has no backend and no end, and waiting jobs are claimed by rank (`queuedAt`,
 * moved by priority). A resolved call is on disk. Every call rejects with `ComfyUIError` `storage_failed` when the database is
 * unreachable, locked or full; then nothing of the call is kept.
 */
export abstract class JobRepository {
  /**
   * Stores a new job and returns it as stored. With a known idempotency key nothing is stored and the earlier job is returned,
   * also for two calls at once.
   * @throws ComfyUIError `queue_full`, `idempotency_mismatch` (same key, other hash)
   */
  abstract add(entry: JobEntry): Promise<{ readonly job: Job; readonly isNew: boolean }>;

  /**
   * The one claim: takes the first waiting job that can be assigned and stores it so, in one transaction, under the lease.
   * Rows that another process is claiming are skipped.
   * @returns the job as assigned; undefined when none can be, or when the lease was lost: then nothing is changed
   */
  abstract claim(claim: Claim): Promise<Job | undefined>;

  /** A job, with its workflow if asked for. */
  abstract find(id: string, options: { readonly withWorkflow: true }): Promise<(QueuedJob & StoredJob) | undefined>;
  abstract find(id: string): Promise<QueuedJob | undefined>;

  /** A page of jobs. Jobs that arrive or change meanwhile neither shift nor repeat others on later pages. */
  abstract list(query: JobQuery): Promise<JobPage>;

  /** Jobs by what happens to them next. */
  abstract open(jobs: OpenJobs): Promise<readonly Job[]>;

  /**
   * Writes the next state of a job that has this fencing token in the database, and its files, all or nothing; a requested cancellation stays.
   * @returns false when the token is another, the job has ended (unless it failed and now succeeds) or is deleted, or the
   * lease is lost: then nothing is changed
   */
  abstract save(job: Job, fencingToken: number, options?: SaveOptions): Promise<boolean>;

  /** Notes a requested cancellation. @returns whether the job is assigned and has not ended */
  abstract requestCancellation(id: string): Promise<boolean>;

  /** Deletes ended jobs and their assets. @returns how many */
  abstract remove(removal: Removal): Promise<number>;
}

import type { Description } from '../../domain/asset';
import type { CollectedFile, Job, JobStatus } from '../../domain/job/job';
import type { Workflow } from '../../domain/workflow/workflow';
import type { Lease } from '../backends/lease-repository';

export interface JobEntry {
  readonly job: Job;
  /** The same job as it is when a server gets it at once: kept so, unless others wait or the server is driven by another process. */
  readonly handed?: { readonly job: Job; readonly lease: Lease | undefined };
  readonly workflow: Workflow;
  /** How many jobs may wait when this one comes; it is refused when there are as many. 0: only a job that is known is given. */
  readonly maxQueue: number;
  readonly idempotency?: Idempotency;
}

/** A job, and what it runs. */
export type StoredJob = Pick<JobEntry, 'job' | 'workflow'>;

/** The caller's key for a request, and what the request was, as a hash. Remembered for 24 hours from `queuedAt`. */
export interface Idempotency {
  readonly key: string;
  readonly requestHash: string;
}

/** What a write of a job changes in its files. */
export interface FileChanges {
  /** In the storage already, and not yet written with the job. */
  readonly added: readonly CollectedFile[];
  /** Of an abandoned attempt. */
  readonly dropped: readonly CollectedFile[];
  readonly description: Description;
}

/** What goes with the write of a job. */
export interface SaveOptions {
  readonly files?: FileChanges;
  /** What the server concerned is driven under: the write is refused when it is another's by now. */
  readonly lease?: Lease;
}

export interface JobQuery {
  /** Any of these; empty: all. */
  readonly statuses: readonly JobStatus[];
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly Job[];
  /** Cursor of the page after; null at the end. */
  readonly next: string | null;
}

export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

/**
 * Where jobs are kept. What is resolved is on disk. All calls reject with `ComfyUIError` `storage_failed` when the
 * database is away, locked or full; then nothing of the call was kept.
 */
export abstract class JobRepository {
  /**
   * Keeps a new job, whole or not at all, and returns it as it was kept. With an idempotency key that is known, nothing is kept and the earlier job is
   * returned: also for two calls at once.
   * @throws ComfyUIError `queue_full`, `idempotency_mismatch` (same key, other hash)
   */
  abstract add(entry: JobEntry): Promise<{ readonly job: Job; readonly isNew: boolean }>;

  abstract find(id: string): Promise<Job | undefined>;

  abstract workflow(id: string): Promise<Workflow | undefined>;

  /** A job with its workflow. */
  abstract open(id: string): Promise<StoredJob | undefined>;

  /** A page of jobs. Jobs that come or change status meanwhile neither shift nor repeat others on later pages. */
  abstract list(query: JobQuery): Promise<JobPage>;

  /**
   * Writes a job that was moved on from one with this fencing token, and its files, all or nothing. That its cancelation was requested is never unwritten.
   * @returns whether it was written: not when the stored job has another fencing token by now, has ended (but for one that
   * failed and succeeds after all) or is gone, or when the lease is another's
   */
  abstract save(job: Job, fencingToken: number, options?: SaveOptions): Promise<boolean>;

  /** Deletes an ended job and its assets. @returns whether there was one to delete */
  abstract remove(id: string): Promise<boolean>;

  /** Rejects when jobs can not be read. */
  abstract check(): Promise<void>;
}

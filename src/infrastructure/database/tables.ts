import type { OutboxEntry } from '../../application/outbox/outbox-repository';
import type { JobStatus } from '../../domain/job/job';
import type { FileType } from '../../domain/job/outputs';

/** Fields that queries use have a column; the rest of a job is JSON in `record`. Times in milliseconds since the epoch. */
export interface JobsTable {
  id: string;
  status: JobStatus;
  revision: number;
  fencing_token: number;
  /** Of the last write: a retry after a broken connection finds by it whether the write before was committed. */
  write_id: string | null;
  priority: number;
  /** `queued_at` in microseconds, or the next free one: jobs of one millisecond keep their order. Unique. */
  queue_order: number;
  /** `queue_order` moved by the priority: the lowest is claimed first. */
  rank: number;
  queued_at: number;
  start_by: number | null;
  started_at: number | null;
  ended_at: number | null;
  backend: string | null;
  /** 0 or 1. */
  cancel_requested: number;
  /** Hash of the required classes and labels. */
  requirements_key: string;
  /** Hash of the caller's key; null without a key, and after it expired. */
  idempotency_key: string | null;
  request_hash: string | null;
  record: string;
}

/** A table of its own, because a change of a job must not write megabytes of workflow again. */
export interface WorkflowsTable {
  job_id: string;
  workflow: string;
}

export interface AbandonedPromptsTable {
  prompt_id: string;
  backend: string;
  job_id: string;
  abandoned_at: number;
}

/** The files in the storage. Written together with their assets. */
export interface FilesTable {
  sha256: string;
  /** When a process last began or ended to store it. */
  stored_at: number;
  /** Start of its removal; null while it is kept. */
  removing_at: number | null;
}

/** The fields by which the files of a job are found; written with the first file. */
export interface GenerationsTable {
  job_id: string;
  label: string | null;
  /** The texts of the prompt in lower case, one a line. */
  prompt_text: string;
  /** JSON. */
  facts: string;
}

export interface AssetsTable {
  id: string;
  job_id: string;
  /** Time of creation in microseconds; later than that of the asset before in the same process. */
  created_order: number;
  sha256: string;
  media_type: string;
  size_bytes: number;
  width: number | null;
  height: number | null;
  duration_seconds: number | null;
  node_id: string;
  filename: string;
  subfolder: string;
  type: FileType;
}

/** Events of jobs that consumers have not received yet. */
export interface OutboxTable {
  job_id: string;
  event: OutboxEntry['event'];
  consumer: string;
  revision: number;
  attempts: number;
  next_at: number;
}

/** The leases of the backends. Times in milliseconds since the epoch by the clock of the database. */
export interface LeasesTable {
  backend: string;
  holder: string;
  epoch: number;
  expires_at: number;
}

/** The processes that hold leases or want some. */
export interface LeaseHoldersTable {
  holder: string;
  expires_at: number;
}

export interface Tables {
  jobs: JobsTable;
  workflows: WorkflowsTable;
  abandoned_prompts: AbandonedPromptsTable;
  files: FilesTable;
  generations: GenerationsTable;
  assets: AssetsTable;
  outbox: OutboxTable;
  leases: LeasesTable;
  lease_holders: LeaseHoldersTable;
}

import type { JobStatus } from '../../domain/job/job';
import type { FileType } from '../../domain/job/outputs';

/** What is looked for has a column; the rest of a job is JSON in `record`. Times in milliseconds since the epoch. */
export interface JobsTable {
  id: string;
  status: JobStatus;
  revision: number;
  fencing_token: number;
  /** Of the last write: whose connection broke off meanwhile finds out whether it was its own. */
  write_id: string | null;
  priority: number;
  /** `queued_at` in microseconds, or the next free one: jobs of one millisecond keep their order. Unique. */
  queue_order: number;
  /** `queue_order` moved by the priority: the lowest is handed over first. */
  rank: number;
  queued_at: number;
  start_by: number | null;
  started_at: number | null;
  ended_at: number | null;
  backend: string | null;
  /** 0 or 1. */
  cancel_requested: number;
  /** Hash of the classes and labels it needs. */
  requirements_key: string;
  /** Hash of the caller's key; null when there is none, or it was forgotten. */
  idempotency_key: string | null;
  request_hash: string | null;
  record: string;
}

/** Apart from the jobs, because a change of a job must not write megabytes of workflow again. */
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

/** The files in the storage. Written together with the assets that have them. */
export interface FilesTable {
  sha256: string;
  /** When somebody last began or ended to store it. */
  stored_at: number;
  /** Since when it is being removed; null: it is not. */
  removing_at: number | null;
}

/** What is looked for in the files of a job; written with the first of them. */
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
  /** When it was made, in microseconds; later than that of the asset before in the same process. */
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

/** Ended jobs that are to be published. */
export interface OutboxTable {
  job_id: string;
  revision: number;
  tries: number;
  next_at: number;
}

/** Who drives which server, and until when. Times in milliseconds since the epoch by the clock of the database. */
export interface LeasesTable {
  backend: string;
  holder: string;
  epoch: number;
  expires_at: number;
}

/** The processes that drive servers or want to. */
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

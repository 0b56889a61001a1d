/** The right to use a backend, held by one process at a time. */
export interface Lease {
  /** URL of the backend. */
  readonly backend: string;
  /** Grows with each change of the holder: writes under an older one are refused. */
  readonly epoch: number;
}

export interface LeaseTerms {
  readonly atMost: number;
  readonly ttlMs: number;
}

export interface Renewal {
  /** The leases of the holder, each valid for the whole time from now. */
  readonly leases: readonly Lease[];
  /** The number of processes that hold leases or want some, including this one. */
  readonly holders: number;
}

/** A prompt whose job gave it up: its backend may still have it, or still receive it. Time in milliseconds since the epoch. */
export interface AbandonedPrompt {
  readonly promptId: string;
  readonly backend: string;
  readonly jobId: string;
  readonly abandonedAt: number;
}

/**
 * Divides the backends among processes, by the clock of the database, and keeps the prompts that are to be canceled on them.
 * Every call rejects with `ComfyUIError` `storage_failed` when the database is unreachable.
 */
export abstract class LeaseRepository {
  /** Registers the holder for another `ttlMs` and renews all its leases, also expired ones that no other process took. */
  abstract renew(holder: string, ttlMs: number): Promise<Renewal>;

  /** Acquires free backends of these. */
  abstract acquire(holder: string, backends: readonly string[], terms: LeaseTerms): Promise<readonly Lease[]>;

  /** Releases leases before their time; without a list all of them, and the holder with them. */
  abstract release(holder: string, backends?: readonly string[]): Promise<void>;

  abstract abandon(prompt: AbandonedPrompt): Promise<void>;

  /** The abandoned prompts of a backend, oldest first. */
  abstract abandonedOn(backend: string): Promise<readonly AbandonedPrompt[]>;

  /** Removes a prompt that is canceled or finished. */
  abstract settle(promptId: string): Promise<void>;
}

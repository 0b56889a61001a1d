/** The right to drive a server, which one process has at a time. */
export interface Lease {
  /** Address of the server. */
  readonly backend: string;
  /** Grows whenever the server changes hands: a write under an older one is refused. */
  readonly epoch: number;
}

export interface LeaseTerms {
  readonly atMost: number;
  readonly ttlMs: number;
}

export interface Renewal {
  /** The leases that the holder has, each for the whole time from now. */
  readonly leases: readonly Lease[];
  /** How many processes hold leases or want some, this one among them. */
  readonly holders: number;
}

/**
 * Divides the servers among the processes that drive them, by the clock of the database. All calls reject with `ComfyUIError`
 * `storage_failed`.
 */
export abstract class LeaseRepository {
  /** Says that the holder is there for another `ttlMs`, and renews all its leases, also those that ran out and nobody took. */
  abstract renew(holder: string, ttlMs: number): Promise<Renewal>;

  /** Takes free servers of these. */
  abstract acquire(holder: string, backends: readonly string[], terms: LeaseTerms): Promise<readonly Lease[]>;

  /** Gives servers back before their time. */
  abstract release(holder: string, backends: readonly string[]): Promise<void>;

  /** The holder is gone: so are its leases. */
  abstract leave(holder: string): Promise<void>;
}

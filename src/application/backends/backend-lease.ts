import type { Lease } from './lease-repository';

/** A lease lasts so long after it was renewed, by the clock of the database; ms. */
export const LEASE_MS = 10_000;
/** A holder that could not renew for so long hands over nothing more: by the slowest reckoning the lease is still its own. */
const SURE_MS = 7_000;

/** Whether this process drives a server. */
export class BackendLease {
  #lease: Lease | undefined;
  #askedAt = -Infinity;
  #isLeaving = false;
  #lost = new AbortController();

  /** The right to write of jobs that are handed to the server; undefined when another process may have it. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** Whether the lease is this process's for certain. */
  get isFresh(): boolean {
    return this.#lease !== undefined && performance.now() - this.#askedAt < SURE_MS;
  }

  /** Whether jobs may be handed over. */
  get isSure(): boolean {
    return this.isFresh && !this.#isLeaving;
  }

  /** It takes nothing more, so that it can go to another process when its prompts are done. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  set isLeaving(isLeaving: boolean) {
    this.#isLeaving = isLeaving;
  }

  /** Aborted when the server is no longer driven here. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @param askedAt when the database was asked, by `performance.now()`: the lease is at least as young */
  begin(lease: Lease, askedAt: number): void {
    this.#lost = new AbortController();
    this.#isLeaving = false;
    this.#lease = lease;
    this.#askedAt = askedAt;
  }

  renew(askedAt: number): void {
    this.#askedAt = askedAt;
  }

  end(): void {
    this.#lease = undefined;
    this.#lost.abort();
  }
}

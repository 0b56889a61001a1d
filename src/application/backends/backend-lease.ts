import type { LeaseTiming } from '../../options/timing';
import type { Lease } from './lease-repository';

/** The lease of a backend, as this process knows it. */
export class BackendLease {
  #lease: Lease | undefined;
  #requestedAt = -Infinity;
  #isReleasing = false;
  #lost = new AbortController();

  constructor(private readonly timing: LeaseTiming) {}

  /** The right to write jobs that are assigned to the backend; undefined when another process may have it. */
  get current(): Lease | undefined {
    return this.#lease;
  }

  get isHeld(): boolean {
    return this.#lease !== undefined;
  }

  /** Whether the lease is still valid for certain, by any clock. */
  get isCertain(): boolean {
    return this.isHeld && performance.now() - this.#requestedAt < this.timing.certain;
  }

  /** Whether jobs may be assigned to the backend. */
  get admitsJobs(): boolean {
    return this.isCertain && !this.#isReleasing;
  }

  /** The backend gets no more jobs, so that another process can have it when its prompts are done. */
  get isReleasing(): boolean {
    return this.#isReleasing;
  }

  set isReleasing(isReleasing: boolean) {
    this.#isReleasing = isReleasing;
  }

  /** Aborts when the lease ends. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @param requestedAt when the database was asked, by `performance.now()`: the lease is at least as young */
  begin(lease: Lease, requestedAt: number): void {
    this.#lost = new AbortController();
    this.#isReleasing = false;
    this.#lease = lease;
    this.#requestedAt = requestedAt;
  }

  renew(requestedAt: number): void {
    this.#requestedAt = requestedAt;
  }

  end(): void {
    this.#lease = undefined;
    this.#lost.abort();
  }
}

import type { Assigned } from '../../domain/job/job-change';
import type { Job } from '../../domain/job/job';
import { assigned } from '../../domain/job/job-state';
import { newId } from '../../shared/new-id';
import type { Backend, Slot } from '../backends/backend';
import type { Lease } from '../backends/lease-repository';

/** A job that is assigned to a backend, with a slot there: stored first, then started or released. */
export class Assignment {
  readonly slot: Slot;
  readonly change: Assigned;
  /** The job as assigned. */
  readonly job: Job;
  /** The lease of the backend at that time. */
  readonly lease: Lease | undefined;
  readonly at = Date.now();

  /** @param onSettled called once the assignment is started or released */
  constructor(
    waiting: Job,
    readonly backend: Backend,
    private readonly onSettled: () => void,
  ) {
    const { id, requirements, fencingToken } = waiting;
    this.slot = backend.take(requirements.models);
    this.change = { kind: 'assigned', backend: backend.url, promptId: fencingToken === 0 ? id : newId() };
    this.job = assigned(waiting, this.change, this.at);
    this.lease = backend.lease.current;
  }

  /** The job runs: its attempt frees the slot. */
  started(): void {
    this.onSettled();
  }

  /** The assignment was not stored, or that is not known. */
  release(): void {
    this.slot.release();
    this.onSettled();
  }

  /** Whether a stored job is in this very state. */
  isOf({ backend, fencingToken, revision }: Job): boolean {
    const { job } = this;
    return backend === job.backend && fencingToken === job.fencingToken && revision === job.revision;
  }
}

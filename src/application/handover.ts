import { type ActiveJob, advance } from '../domain/job/active-job';
import type { Handed } from '../domain/job/job-change';
import type { Assignment } from './attempt-run';
import type { Backend, Slot } from './backends/backend';
import type { LiveJob } from './live-job';
import { newId } from './new-id';

/** A job that is about to be handed to a server, where a place is taken for it: to be stored, then started or released. */
export class Handover implements Assignment {
  readonly slot: Slot;
  readonly change: Handed;
  readonly #at = Date.now();

  constructor(
    readonly live: LiveJob,
    readonly backend: Backend,
  ) {
    const { id, needs, placement } = live.job;
    live.isHanding = true;
    this.slot = backend.take(needs.models);
    this.change = { kind: 'handed', backend: backend.url, promptId: placement === 0 ? id : newId() };
  }

  /** The job as handed over. */
  get job(): ActiveJob {
    return advance(this.live.job, this.change, this.#at);
  }

  /** It was not stored, or that is not known. */
  release(): void {
    this.live.isHanding = false;
    this.slot.release();
  }

  /** Tells the live job what is stored now. */
  tell(): void {
    this.live.change(this.change, this.#at);
  }
}

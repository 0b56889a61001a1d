import { type JobState, advance } from '../../domain/job/job-state';
import type { Assigned } from '../../domain/job/job-change';
import type { AttemptContext } from './attempt-execution';
import type { Backend, Slot } from '../backends/backend';
import type { JobSession } from '../jobs/job-session';
import { newId } from '../../shared/new-id';

/** A job that is about to be handed to a server, where a place is taken for it: to be stored, then started or released. */
export class Assignment implements AttemptContext {
  readonly slot: Slot;
  readonly change: Assigned;
  readonly #at = Date.now();

  constructor(
    readonly session: JobSession,
    readonly backend: Backend,
  ) {
    const { id, requirements, fencingToken } = session.job;
    session.isHanding = true;
    this.slot = backend.take(requirements.models);
    this.change = { kind: 'assigned', backend: backend.url, promptId: fencingToken === 0 ? id : newId() };
  }

  /** The job as handed over. */
  get job(): JobState {
    return advance(this.session.job, this.change, this.#at);
  }

  /** It was not stored, or that is not known. */
  release(): void {
    this.session.isHanding = false;
    this.slot.release();
  }

  /** Tells the live job what is stored now. */
  tell(): void {
    this.session.change(this.change, this.#at);
  }
}

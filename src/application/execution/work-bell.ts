import type { JobState } from '../../domain/job/job-state';
import { Condition } from '../../shared/condition';

/** Rings when a job may be handed over: one came or came back, a place became free, a server is back. */
export class WorkBell extends Condition {
  /** Whether a job may wait; false only when it is certain that none does. */
  mayHaveWork = true;

  /** Told of each job that came or came back here. */
  onAnnounce: ((job: JobState) => void) | undefined;

  /** A job came, or came back; perhaps elsewhere. */
  announce(job?: JobState): void {
    this.mayHaveWork = true;
    if (job) this.onAnnounce?.(job);
    this.notifyAll();
  }
}

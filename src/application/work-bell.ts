import type { ActiveJob } from '../domain/job/active-job';
import { Bell } from './bell';

/** Rings when a job may be handed over: one came or came back, a place became free, a server is back. */
export class WorkBell extends Bell {
  /** Whether a job may wait; false only when it is certain that none does. */
  mayHaveWork = true;

  /** Told of each job that came or came back here. */
  onAnnounce: ((job: ActiveJob) => void) | undefined;

  /** A job came, or came back; perhaps elsewhere. */
  announce(job?: ActiveJob): void {
    this.mayHaveWork = true;
    if (job) this.onAnnounce?.(job);
    this.ring();
  }
}

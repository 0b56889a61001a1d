import { Bell } from './bell';

/** Rings when a job may be handed over: one came or came back, a place became free, a server is back. */
export class WorkBell extends Bell {
  /** Whether a job may wait; false only when it is certain that none does. */
  mayHaveWork = true;

  /** A job came, or came back. */
  announce(): void {
    this.mayHaveWork = true;
    this.ring();
  }
}

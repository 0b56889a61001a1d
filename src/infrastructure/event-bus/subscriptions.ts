import { Logger } from '@nestjs/common';
import type { JobSnapshot, JobSubscriber, ProcessSubscriber } from '../../application/jobs/job-event-bus';
import type { Preview } from '../../domain/job/run-event';
import type { BusMessage, SnapshotMessage } from './job-message.codec';

interface SubscribedJob {
  /** An object for each subscription: the same subscriber may subscribe twice. */
  readonly subscriptions: Set<{ readonly subscriber: JobSubscriber }>;
  /** What was delivered last. */
  newest?: { readonly revision: number; readonly preview: Preview | undefined };
}

/** The subscribers of this process. An error of one of them is logged, and the others still receive the event. */
export class Subscriptions {
  readonly #logger = new Logger(Subscriptions.name);
  readonly #jobs = new Map<string, SubscribedJob>();
  process: ProcessSubscriber | undefined;

  get jobIds(): string[] {
    return [...this.#jobs.keys()];
  }

  has(jobId: string): boolean {
    return this.#jobs.has(jobId);
  }

  /** @returns whether it is the first of this job; `remove` returns whether it was the last */
  add(jobId: string, subscriber: JobSubscriber): { readonly isFirst: boolean; readonly remove: () => boolean } {
    const isFirst = !this.#jobs.has(jobId);
    const job = this.#jobs.get(jobId) ?? { subscriptions: new Set() };
    this.#jobs.set(jobId, job);
    const subscription = { subscriber };
    job.subscriptions.add(subscription);
    const remove = () => {
      const wasLast = job.subscriptions.delete(subscription) && job.subscriptions.size === 0;
      return wasLast && this.#jobs.delete(jobId);
    };
    return { isFirst, remove };
  }

  /** @param snapshotOf completes a snapshot with its preview */
  receive(
    jobId: string,
    message: BusMessage | undefined,
    snapshotOf: (message: SnapshotMessage) => JobSnapshot = ({ job }) => ({ job }),
  ): void {
    if (message?.kind === 'changed') this.changed(jobId);
    if (message?.kind === 'file') this.#deliver(jobId, (subscriber) => subscriber.onFile(message.file));
    if (message?.kind === 'snapshot' && message.job.id === jobId) this.snapshot(jobId, snapshotOf(message));
  }

  receiveForProcess(message: BusMessage | undefined): void {
    if (message?.kind === 'work') this.work();
    if (message?.kind === 'cancellation')
      this.#try(`The cancellation of job ${message.jobId}`, () => this.process?.onCancellation(message.jobId));
  }

  /** A snapshot may arrive twice, or late: as a message and under a key. */
  snapshot(jobId: string, snapshot: JobSnapshot): void {
    const { job, preview } = snapshot;
    const subscribed = this.#jobs.get(jobId);
    const { revision, preview: last } = subscribed?.newest ?? { revision: -1 };
    if (!subscribed || job.revision < revision || (job.revision === revision && preview === last)) return;
    subscribed.newest = { revision: job.revision, preview };
    this.#deliver(jobId, (subscriber) => subscriber.onSnapshot(snapshot));
  }

  changed(jobId: string): void {
    this.#deliver(jobId, (subscriber) => subscriber.onChanged());
  }

  work(): void {
    this.#try('Work', () => this.process?.onWork());
  }

  #deliver(jobId: string, call: (subscriber: JobSubscriber) => void): void {
    for (const { subscriber } of this.#jobs.get(jobId)?.subscriptions ?? [])
      this.#try(`An event of job ${jobId}`, () => call(subscriber));
  }

  #try(event: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error(`${event} is not processed.`, error instanceof Error ? error.stack : undefined);
    }
  }
}

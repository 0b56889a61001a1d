import { randomUUID } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import {
  JobEventBus,
  type JobSnapshot,
  type JobSubscriber,
  type ProcessSubscriber,
} from '../../../application/jobs/job-event-bus';
import type { CollectedFile, Job } from '../../../domain/job/job';
import { type BusMessage, decodeMessage, encodeMessage } from '../job-message.codec';
import { Subscriptions } from '../subscriptions';
import { PostgresConnection, type PostgresConnectionOptions } from './postgres-connection';
import { PostgresPublisher } from './postgres-publisher';
import { ProgressThrottle } from './progress-throttle';

/** PostgreSQL refuses longer messages. */
const LONGEST_MESSAGE = 7_999;
/** Longest time to send the last messages before the process ends, ms. */
const FLUSH_MS = 300;
/** In the place of a job's id. */
const ALL_PROCESSES = '*';

/**
 * Job events through `NOTIFY` and `LISTEN` of PostgreSQL, on one channel. Of a job that is too large for a message, subscribers
 * receive only that it changed. Previews are not carried, and no snapshot is kept.
 */
export class PostgresEventBus extends JobEventBus implements OnApplicationShutdown {
  readonly #sender = randomUUID();
  readonly #subscriptions = new Subscriptions();
  readonly #publisher: PostgresPublisher;
  readonly #throttle = new ProgressThrottle((job, isProgress) => this.#publishJob(job, isProgress));

  private constructor(private readonly connection: PostgresConnection) {
    super();
    this.#publisher = new PostgresPublisher(connection);
    connection.onUp(() => this.#resume());
    connection.onMessage((message) => this.#onMessage(message));
  }

  /** Resolves also while PostgreSQL is unreachable. @throws ComfyUIError `storage_failed` without `pg` or a valid URL */
  static async open(options: PostgresConnectionOptions): Promise<PostgresEventBus> {
    return new PostgresEventBus(await PostgresConnection.open(options));
  }

  publish({ job }: JobSnapshot): void {
    this.#throttle.publish(job);
  }

  publishFile(jobId: string, file: CollectedFile): void {
    const message = this.#encode(jobId, { kind: 'file', file });
    if (message.length <= LONGEST_MESSAGE) this.#publisher.publish(`file ${jobId} ${file.assetId}`, message);
  }

  publishWork(): void {
    this.#publisher.publish('work', this.#encode(ALL_PROCESSES, { kind: 'work' }));
  }

  publishCancellation(jobId: string): void {
    const message = this.#encode(ALL_PROCESSES, { kind: 'cancellation', jobId });
    this.#publisher.publish(`cancellation ${jobId}`, message);
  }

  async latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    return jobIds.map(() => undefined);
  }

  subscribe(jobId: string, subscriber: JobSubscriber): () => void {
    const { remove } = this.#subscriptions.add(jobId, subscriber);
    return () => void remove();
  }

  subscribeProcess(subscriber: ProcessSubscriber): void {
    this.#subscriptions.process = subscriber;
  }

  async onApplicationShutdown(): Promise<void> {
    this.#throttle.flush();
    await this.#publisher.done(FLUSH_MS);
    await this.connection.close();
  }

  /** The database has no progress: without a message of it, subscribers need not read the job. */
  #publishJob(job: Job, isProgress: boolean): void {
    const snapshot = this.#encode(job.id, { kind: 'snapshot', job });
    if (snapshot.length <= LONGEST_MESSAGE) this.#publisher.publish(job.id, snapshot);
    else if (!isProgress) this.#publisher.publish(job.id, this.#encode(job.id, { kind: 'changed' }));
  }

  /** The connection receives notifications, for the first time or again: messages were lost meanwhile. */
  #resume(): void {
    this.#publisher.send();
    this.#subscriptions.work();
    for (const jobId of this.#subscriptions.jobIds) this.#subscriptions.changed(jobId);
  }

  /** The sender and the job stand before the JSON, so that most messages need not be parsed. */
  #encode(jobId: string, message: BusMessage): string {
    return `${this.#sender} ${jobId} ${ascii(encodeMessage(message))}`;
  }

  #onMessage(message: string): void {
    const [sender = '', jobId = ''] = message.split(' ', 2);
    if (sender === this.#sender) return;
    const decode = () => decodeMessage(message.slice(sender.length + jobId.length + 2));
    if (jobId === ALL_PROCESSES) this.#subscriptions.receiveForProcess(decode());
    else if (this.#subscriptions.has(jobId)) this.#subscriptions.receive(jobId, decode());
  }
}

/** The same JSON in ASCII: one byte per character, and valid in every encoding of a database. */
function ascii(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

import { LRUCache } from 'lru-cache';
import { Condition } from '../../../shared/condition';
import type { JobSnapshot } from '../../../application/jobs/job-event-bus';
import { type CollectedFile, hasEnded } from '../../../domain/job/job';
import { encodeMessage } from '../job-message.codec';
import { isRefusal, type RedisConnection } from './redis-connection';
import type { RedisNames } from './redis-names';
import { KEPT_MS, type SentSnapshot, SnapshotWriter } from './snapshot-writer';

/** An unchanged snapshot is sent again only to extend its time to live, ms. */
const REPEAT_MS = 20_000;
/** Jobs whose snapshots are sent at the same time: with their previews they fill the buffer of a socket. */
const MOST_IN_PROGRESS = 32;
/** Jobs whose snapshots wait while Redis is slow or unreachable; beyond that the oldest is dropped. */
const MOST_WAITING = 1_000;

/** Sends the last snapshot of each job, one after the other, so that a slow Redis receives fewer of them. */
export class RedisPublisher {
  readonly #waiting = new Map<string, JobSnapshot>();
  readonly #inProgress = new Set<string>();
  readonly #sent = new LRUCache<string, SentSnapshot>({ max: MOST_WAITING, ttl: KEPT_MS.running });
  readonly #writer: SnapshotWriter;
  readonly #idle = new Condition();
  #hasWork = false;

  constructor(
    private readonly connection: RedisConnection,
    private readonly names: RedisNames,
    /** Distinguishes the messages of this process. */
    private readonly sender: string,
  ) {
    this.#writer = new SnapshotWriter(connection, names);
  }

  publish(snapshot: JobSnapshot): void {
    this.#waiting.set(snapshot.job.id, snapshot);
    const [oldest = ''] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING) this.#waiting.delete(oldest);
    this.#sendSnapshots();
  }

  /** At once, or not at all. */
  publishFile(jobId: string, file: CollectedFile): void {
    this.#send(this.names.events(jobId), encodeMessage({ kind: 'file', file }));
  }

  /** Jobs that are stored together are published together. */
  publishWork(): void {
    if (this.#hasWork) return;
    this.#hasWork = true;
    setImmediate(() => this.#sendWork());
  }

  /** At once, or not at all. */
  publishCancellation(jobId: string): void {
    this.#send(this.names.processes, `${this.sender} ${encodeMessage({ kind: 'cancellation', jobId })}`);
  }

  /** Sends what waits for Redis, which may have lost what it had. */
  resume(): void {
    this.#sent.clear();
    this.#sendSnapshots();
    this.#sendWork();
  }

  /** Resolves when everything that can be sent now is sent, or after `ms`. */
  async done(ms: number): Promise<void> {
    const deadline = Date.now() + ms;
    while (this.connection.isUp && this.#inProgress.size > 0 && Date.now() < deadline)
      await this.#idle.wait(deadline - Date.now());
  }

  #sendWork(): void {
    if (!this.#hasWork || !this.connection.isUp) return;
    this.#hasWork = false;
    this.#send(this.names.processes, `${this.sender} ${encodeMessage({ kind: 'work' })}`);
  }

  #send(channel: string, message: string): void {
    if (!this.connection.isUp) return;
    this.connection.commands.publish(channel, message).catch((error: unknown) => this.connection.report(error));
  }

  #sendSnapshots(): void {
    if (!this.connection.isUp) return;
    for (const [id, snapshot] of this.#waiting) {
      if (this.#inProgress.size >= MOST_IN_PROGRESS) return;
      if (this.#inProgress.has(id)) continue;
      this.#waiting.delete(id);
      void this.#sendSnapshot(snapshot);
    }
  }

  async #sendSnapshot(snapshot: JobSnapshot): Promise<void> {
    const { id } = snapshot.job;
    this.#inProgress.add(id);
    const error = await this.#write(snapshot).catch((reason: unknown) => reason);
    this.#inProgress.delete(id);
    // After an error the next one waits: a connection that is about to break would reject again and again.
    if (error === undefined) this.#sendSnapshots();
    else this.#onError(snapshot, error);
    if (this.#inProgress.size === 0) this.#idle.notifyAll();
  }

  #onError(snapshot: JobSnapshot, error: unknown): void {
    const { id } = snapshot.job;
    this.#sent.delete(id);
    this.connection.report(error);
    // Lost with its connection, it is sent over the next one, unless a newer one waits.
    if (!isRefusal(error) && !this.#waiting.has(id)) this.#waiting.set(id, snapshot);
  }

  async #write(snapshot: JobSnapshot): Promise<void> {
    const { job } = snapshot;
    const last = this.#sent.get(job.id);
    const line = this.#writer.lineOf(snapshot);
    if (last?.line === line && Date.now() - last.at < REPEAT_MS) return;
    const sent = await this.#writer.write(snapshot, line, last);
    if (sent && !hasEnded(job)) this.#sent.set(job.id, sent);
    else this.#sent.delete(job.id);
  }
}

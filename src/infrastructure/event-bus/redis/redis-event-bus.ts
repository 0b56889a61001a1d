import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import {
  JobEventBus,
  type JobSnapshot,
  type JobSubscriber,
  type ProcessSubscriber,
} from '../../../application/jobs/job-event-bus';
import type { CollectedFile } from '../../../domain/job/job';
import { sleep } from '../../../shared/sleep';
import { decodeMessage, decodeSnapshot, splitBytes } from '../job-message.codec';
import { Subscriptions } from '../subscriptions';
import { ReceivedPreviews } from './received-previews';
import { RedisConnection } from './redis-connection';
import { RedisNames } from './redis-names';
import { RedisPublisher } from './redis-publisher';

/** Longest time to read snapshots for a caller, ms. */
const READ_MS = 1_000;
/** Longest time to send the last snapshots before the process ends, ms. */
const FLUSH_MS = 300;
/** Jobs that are read together after a reconnect. */
const READ_TOGETHER = 200;

/**
 * Job events through Redis: a channel for each subscribed job, one for all processes, and the last snapshot of each job under a
 * key that expires. A preview has a key of its own, and is sent once.
 */
export class RedisEventBus extends JobEventBus implements OnApplicationShutdown {
  readonly #sender = randomUUID();
  readonly #names: RedisNames;
  readonly #publisher: RedisPublisher;
  readonly #subscriptions = new Subscriptions();
  readonly #previews = new ReceivedPreviews((jobId) => this.#subscriptions.has(jobId));

  private constructor(private readonly connection: RedisConnection) {
    super();
    this.#names = new RedisNames(connection.database);
    this.#publisher = new RedisPublisher(connection, this.#names, this.#sender);
    connection.onUp(() => void this.#resume());
    connection.subscriptions.on('messageBuffer', (channel: Buffer, message: Buffer) =>
      this.#onMessage(channel.toString(), message),
    );
  }

  /** Resolves also while Redis is unreachable. @throws ComfyUIError `storage_failed` without ioredis or a valid URL */
  static async open({ redisUrl }: { readonly redisUrl: string }): Promise<RedisEventBus> {
    return new RedisEventBus(await RedisConnection.open(redisUrl));
  }

  publish(snapshot: JobSnapshot): void {
    this.#publisher.publish(snapshot);
  }

  publishFile(jobId: string, file: CollectedFile): void {
    this.#publisher.publishFile(jobId, file);
  }

  publishWork(): void {
    this.#publisher.publishWork();
  }

  publishCancellation(jobId: string): void {
    this.#publisher.publishCancellation(jobId);
  }

  async latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    const none = jobIds.map(() => undefined);
    if (jobIds.length === 0) return none;
    const done = new AbortController();
    const read = this.#read(jobIds).catch((error: unknown) => this.connection.report(error));
    const latest = await Promise.race([read, timeout(done.signal)]);
    done.abort();
    return latest ?? none;
  }

  subscribe(jobId: string, subscriber: JobSubscriber): () => void {
    const { isFirst, remove } = this.#subscriptions.add(jobId, subscriber);
    if (isFirst) void this.#subscribeTo([this.#names.events(jobId)]);
    return () => {
      if (!remove()) return;
      this.#previews.forget(jobId);
      this.connection.subscriptions.unsubscribe(this.#names.events(jobId)).catch(() => undefined);
    };
  }

  subscribeProcess(subscriber: ProcessSubscriber): void {
    this.#subscriptions.process = subscriber;
    void this.#subscribeTo([this.#names.processes]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#publisher.done(FLUSH_MS);
    await this.connection.close();
  }

  /** A channel that cannot be subscribed to now is subscribed to when Redis is back. */
  async #subscribeTo(channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    await this.connection.subscriptions.subscribe(...channels).catch((error: unknown) => this.connection.report(error));
  }

  /** Redis is connected, for the first time or again: messages were lost meanwhile, and so may be what Redis had. */
  async #resume(): Promise<void> {
    this.#publisher.resume();
    const { jobIds, process } = this.#subscriptions;
    const channels = jobIds.map((id) => this.#names.events(id));
    await this.#subscribeTo(process ? [this.#names.processes, ...channels] : channels);
    this.#subscriptions.work();
    for (let first = 0; first < jobIds.length; first += READ_TOGETHER)
      await this.#deliverLatest(jobIds.slice(first, first + READ_TOGETHER)).catch((error: unknown) =>
        this.connection.report(error),
      );
  }

  /** Without a time limit: a connection that breaks meanwhile comes back, and everything is read again. */
  async #deliverLatest(jobIds: readonly string[]): Promise<void> {
    const snapshots = await this.#read(jobIds);
    for (const [index, id] of jobIds.entries()) {
      const snapshot = snapshots[index];
      if (snapshot) this.#subscriptions.snapshot(id, snapshot);
      else this.#subscriptions.changed(id);
    }
  }

  async #read(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    const keys = [...jobIds.map((id) => this.#names.job(id)), ...jobIds.map((id) => this.#names.preview(id))];
    const values = await this.connection.commands.mgetBuffer(...keys);
    return jobIds.map((id, index) => {
      const message = decodeSnapshot(id, values[index]?.toString() ?? '');
      const preview = splitBytes(values[jobIds.length + index] ?? Buffer.alloc(0));
      const image = preview.line === message?.preview?.id ? preview.bytes : undefined;
      return message && this.#previews.ofKey(message, image);
    });
  }

  #onMessage(channel: string, message: Buffer): void {
    if (channel === this.#names.processes) return this.#onProcessMessage(message.toString());
    const jobId = this.#names.jobOf(channel);
    if (jobId === undefined) return;
    const { line, bytes } = splitBytes(message);
    this.#subscriptions.receive(jobId, decodeMessage(line), (decoded) => this.#previews.ofMessage(decoded, bytes));
  }

  #onProcessMessage(message: string): void {
    const [sender = ''] = message.split(' ', 1);
    if (sender !== this.#sender) this.#subscriptions.receiveForProcess(decodeMessage(message.slice(sender.length + 1)));
  }
}

/** A reply that arrived while this process was blocked still counts: it is read after the timers, and before immediates. */
async function timeout(signal: AbortSignal): Promise<void> {
  await sleep(READ_MS, signal);
  if (!signal.aborted) await setImmediate();
}

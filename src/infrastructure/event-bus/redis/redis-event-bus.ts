import { setImmediate } from 'node:timers/promises';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { JobEventBus, type JobSnapshot } from '../../../application/jobs/job-event-bus';
import { sleep } from '../../../shared/sleep';
import type { CollectedFile } from '../../../domain/job/job';
import { isJobId } from '../../job-id';
import { readForetold } from '../../job-message.codec';
import { type JobNote, readNote, withoutBytes } from './job-frame';
import { Subscriptions, stackOf } from './subscriptions';
import { Publisher } from './publisher';
import { RedisLink } from './redis-link';
import { RedisNames } from './redis-names';

/** Nobody waits longer for what was told, ms. */
const READ_MS = 1_000;
/** What was told last is sent before the process ends, if it takes no longer than this, ms. */
const LAST_WORDS_MS = 300;
/** Jobs that are read at once after a break. */
const CATCH_UP = 200;

/**
 * News by Redis: a channel for each job that somebody listens to, and the last of each job under a key that expires. Pictures
 * have a key of their own, and travel once. Without Redis nothing is told, and nothing breaks.
 */
export class RedisEventBus extends JobEventBus implements OnApplicationShutdown {
  readonly #logger = new Logger(RedisEventBus.name);
  readonly #names: RedisNames;
  readonly #sender: Publisher;
  readonly #listeners = new Subscriptions();
  #cancel: ((jobId: string) => void) | undefined;

  private constructor(private readonly link: RedisLink) {
    super();
    this.#names = new RedisNames(link.database);
    this.#sender = new Publisher(link, this.#names);
    link.onUp(() => void this.#catchUp());
    link.subscriptions.on('messageBuffer', (channel: Buffer, message: Buffer) =>
      this.#hear(channel.toString(), message),
    );
  }

  /** Resolves also when Redis is away: it is connected to as soon as it is there. @throws ComfyUIError `storage_failed` */
  static async open({ redisUrl }: { readonly redisUrl: string }): Promise<RedisEventBus> {
    return new RedisEventBus(await RedisLink.open(redisUrl));
  }

  tell(snapshot: JobSnapshot): void {
    this.#sender.tell(snapshot);
  }

  foretell(jobId: string, file: CollectedFile): void {
    this.#sender.foretell(jobId, file);
  }

  async latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    const nothing = jobIds.map(() => undefined);
    if (jobIds.length === 0) return nothing;
    const enough = new AbortController();
    const read = this.#read(jobIds).catch((error: unknown) => this.link.complain(error));
    const latest = await Promise.race([read, longEnough(enough.signal)]);
    enough.abort();
    return latest ?? nothing;
  }

  listen(
    jobId: string,
    hear: (snapshot: JobSnapshot) => void,
    expect: (file: CollectedFile) => void = () => undefined,
  ): () => void {
    const { isFirst, stop } = this.#listeners.add(jobId, { hear, expect });
    if (isFirst) void this.#subscribe([this.#names.news(jobId)]);
    return () => {
      if (stop()) this.link.subscriptions.unsubscribe(this.#names.news(jobId)).catch(() => undefined);
    };
  }

  askToCancel(jobId: string): void {
    this.link.commands.publish(this.#names.cancel, jobId).catch((error: unknown) => this.link.complain(error));
  }

  onCancel(hear: (jobId: string) => void): void {
    this.#cancel = hear;
    void this.#subscribe([this.#names.cancel]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#sender.done(LAST_WORDS_MS);
    await this.link.close();
  }

  /** What can not be subscribed to now is when Redis is back. */
  async #subscribe(channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    await this.link.subscriptions.subscribe(...channels).catch((error: unknown) => this.link.complain(error));
  }

  /** Redis is there, for the first time or again: nobody told us anything meanwhile, and it may know nothing. */
  async #catchUp(): Promise<void> {
    this.#sender.forget();
    this.#sender.sendWaiting();
    const jobIds = this.#listeners.jobIds;
    const channels = jobIds.map((id) => this.#names.news(id));
    await this.#subscribe(this.#cancel ? [this.#names.cancel, ...channels] : channels);
    for (let first = 0; first < jobIds.length; first += CATCH_UP)
      await this.#hearLatest(jobIds.slice(first, first + CATCH_UP)).catch((error: unknown) =>
        this.link.complain(error),
      );
  }

  /** However long it takes: a connection that breaks meanwhile comes back, and all is read again. */
  async #hearLatest(jobIds: readonly string[]): Promise<void> {
    for (const snapshot of await this.#read(jobIds)) if (snapshot) this.#listeners.tell(snapshot.job.id, snapshot);
  }

  async #read(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    const { commands } = this.link;
    const keys = [...jobIds.map((id) => this.#names.job(id)), ...jobIds.map((id) => this.#names.preview(id))];
    const values = await commands.mgetBuffer(...keys);
    return jobIds.map((id, index) => {
      const note = noteOf(id, values[index]?.toString());
      const picture = withoutBytes(values[jobIds.length + index] ?? Buffer.alloc(0));
      const image = picture.line === note?.picture?.id ? picture.bytes : undefined;
      return note && this.#listeners.read(note, image);
    });
  }

  #hear(channel: string, message: Buffer): void {
    if (channel === this.#names.cancel) return this.#hearCancel(message.toString());
    const id = this.#names.jobOf(channel);
    if (id === undefined) return;
    const { line, bytes } = withoutBytes(message);
    const note = noteOf(id, line);
    if (note) return this.#listeners.tell(id, this.#listeners.heard(note, bytes));
    const file = readForetold(line);
    if (file) this.#listeners.foretell(id, file);
  }

  #hearCancel(jobId: string): void {
    try {
      if (isJobId(jobId)) this.#cancel?.(jobId);
    } catch (error) {
      this.#logger.error(`The wish to cancel job ${jobId} was not taken.`, stackOf(error));
    }
  }
}

/** What is under the name of another job is not told of this one. */
function noteOf(jobId: string, line: string | undefined): JobNote | undefined {
  const note = line === undefined ? undefined : readNote(line);
  return note?.job.id === jobId ? note : undefined;
}

/** An answer that came while this process itself was held up is still heard: it is read after the timers, and before immediates. */
async function longEnough(signal: AbortSignal): Promise<void> {
  await sleep(READ_MS, signal);
  if (!signal.aborted) await setImmediate();
}

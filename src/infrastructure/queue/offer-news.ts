import { randomUUID } from 'node:crypto';
import type { StoredJob } from '../../application/jobs/job-repository';
import { readJobWord, writeJobWord } from './job-word';
import type { RedisConnection } from './redis-connection';

/** What others are to hear. */
export interface PubSubMessage {
  readonly channel: string;
  readonly message: string;
}

/** How the processes tell each other at once that there are tickets. */
export class OfferNews {
  readonly #self = randomUUID();
  #notifyAll: () => void = () => undefined;
  #hear: (jobId: string, job?: StoredJob) => void = () => undefined;
  #toldFor = 0;

  constructor(private readonly connection: RedisConnection) {}

  /** That there are tickets. @param job instead of that: one that just came */
  of(job?: StoredJob): PubSubMessage {
    return { channel: this.#channel, message: job ? `${this.#self} ${writeJobWord(job)}` : this.#self };
  }

  /** Databases of one Redis share their channels. */
  get #channel(): string {
    return `comfyui:${this.connection.database}:offered`;
  }

  /** @throws what the client throws */
  async listen(): Promise<void> {
    const { listener } = this.connection;
    listener.on('message', (_channel, message: string) => this.#read(message));
    listener.on('ready', () => void this.#again());
    await listener.subscribe(this.#channel);
  }

  onOffer(notifyAll: () => void): void {
    this.#notifyAll = notifyAll;
  }

  onTold(hear: (jobId: string, job?: StoredJob) => void): void {
    this.#hear = hear;
  }

  /** @throws what the client throws */
  async tell(job?: StoredJob): Promise<void> {
    const { channel, message } = this.of(job);
    await this.connection.commands.publish(channel, message);
  }

  /** For tickets that come back at a time which they share with others. */
  tellAt(time: number): void {
    if (time <= this.#toldFor) return;
    this.#toldFor = time;
    setTimeout(() => void this.tell().catch(() => undefined), time - Date.now()).unref();
  }

  #read(message: string): void {
    if (message.startsWith(this.#self)) return;
    const end = message.indexOf(' ');
    if (end < 0) return this.#notifyAll();
    const word = readJobWord(message.slice(end + 1));
    if (word) this.#hear(word.jobId, word.job);
  }

  /** Nobody was heard meanwhile. */
  async #again(): Promise<void> {
    try {
      await this.connection.listener.subscribe(this.#channel);
    } catch (error) {
      this.connection.tell(error);
    }
    this.#notifyAll();
  }
}

import { randomUUID } from 'node:crypto';
import type { RedisConnection } from './redis-connection';

/** What others are to hear. */
export interface Publication {
  readonly channel: string;
  readonly message: string;
}

/** How the processes tell each other at once that there are tickets. */
export class OfferNews {
  readonly #self = randomUUID();
  #ring: () => void = () => undefined;
  #hear: (jobId: string) => void = () => undefined;
  #toldFor = 0;

  constructor(private readonly connection: RedisConnection) {}

  /** That there are tickets. @param jobId instead of that: a job that has come */
  of(jobId?: string): Publication {
    return { channel: this.#channel, message: jobId === undefined ? this.#self : `${this.#self} ${jobId}` };
  }

  /** Databases of one Redis share their channels. */
  get #channel(): string {
    return `comfyui:${this.connection.database}:offered`;
  }

  /** @throws what the client throws */
  async listen(): Promise<void> {
    const { listener } = this.connection;
    listener.on('message', (_channel, message: string) => {
      const [teller, jobId] = message.split(' ');
      if (teller === this.#self) return;
      if (jobId === undefined) this.#ring();
      else this.#hear(jobId);
    });
    listener.on('ready', () => void this.#again());
    await listener.subscribe(this.#channel);
  }

  onOffer(ring: () => void): void {
    this.#ring = ring;
  }

  onTold(hear: (jobId: string) => void): void {
    this.#hear = hear;
  }

  /** @throws what the client throws */
  async tell(jobId?: string): Promise<void> {
    const { channel, message } = this.of(jobId);
    await this.connection.commands.publish(channel, message);
  }

  /** For tickets that come back at a time which they share with others. */
  tellAt(time: number): void {
    if (time <= this.#toldFor) return;
    this.#toldFor = time;
    setTimeout(() => void this.tell().catch(() => undefined), time - Date.now()).unref();
  }

  /** Nobody was heard meanwhile. */
  async #again(): Promise<void> {
    try {
      await this.connection.listener.subscribe(this.#channel);
    } catch (error) {
      this.connection.tell(error);
    }
    this.#ring();
  }
}

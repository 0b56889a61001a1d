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
  #ring: (jobId?: string) => void = () => undefined;
  #toldFor = 0;

  constructor(private readonly connection: RedisConnection) {}

  /** @param jobId of the ticket, if it is one */
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
      if (teller !== this.#self) this.#ring(jobId);
    });
    listener.on('ready', () => void this.#again());
    await listener.subscribe(this.#channel);
  }

  onNews(ring: (jobId?: string) => void): void {
    this.#ring = ring;
  }

  /** @throws what the client throws */
  async tell(): Promise<void> {
    const { channel, message } = this.of();
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

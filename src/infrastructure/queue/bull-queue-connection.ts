import type { OnApplicationShutdown } from '@nestjs/common';
import { sleep } from '../../shared/sleep';
import { BullJobQueue } from './bull-job-queue';
import { BullTickets, STALLED_EVERY_MS } from './bull-tickets';
import { loadBullMQ } from './load-bullmq';
import { OfferNews } from './offer-news';
import { RedisConnection } from './redis-connection';
import { redisError } from './redis-errors';

export interface BullQueueOptions {
  /** redis:// or rediss://; the number of its database tells deployments on one Redis apart. */
  readonly redisUrl: string;
}

/** So long tickets may take to go back before the connection is cut, ms. */
const CLOSE_MS = 700;

/** The queue on Redis of an application: opened when it starts, closed when it ends. */
export class BullQueueConnection implements OnApplicationShutdown {
  readonly #recovery: NodeJS.Timeout;

  private constructor(
    readonly queue: BullJobQueue,
    private readonly connection: RedisConnection,
    private readonly tickets: BullTickets,
    private readonly news: OfferNews,
  ) {
    this.#recovery = setInterval(() => void this.#recover(), STALLED_EVERY_MS / 2).unref();
  }

  /** @throws ComfyUIError `storage_failed` */
  static async open({ redisUrl }: BullQueueOptions): Promise<BullQueueConnection> {
    const libraries = loadBullMQ();
    const connection = await RedisConnection.open(libraries, redisUrl);
    const tickets = new BullTickets(libraries, connection);
    const news = new OfferNews(connection);
    try {
      await Promise.all([tickets.open(), news.listen()]);
    } catch (error) {
      connection.close();
      throw redisError(error);
    }
    return new BullQueueConnection(new BullJobQueue(connection, tickets, news), connection, tickets, news);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#recovery);
    const done = new AbortController();
    const putBack = this.queue.putAllBack().catch(() => undefined);
    await Promise.race([putBack.finally(() => done.abort()), sleep(CLOSE_MS, done.signal)]);
    await this.tickets.close();
    this.connection.close();
  }

  /** Of processes that were killed with tickets in hand. */
  async #recover(): Promise<void> {
    try {
      if ((await this.tickets.recover()) > 0) await this.news.tell();
    } catch (error) {
      this.connection.tell(error);
    }
  }
}

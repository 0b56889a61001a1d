import { Logger } from '@nestjs/common';
import type { Redis, RedisOptions } from 'ioredis';
import { Condition } from '../../shared/condition';
import { ComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import type { BullLibraries } from './load-bullmq';
import { isConnectionLost, redisError } from './redis-errors';

/** Together the longest a call takes: a restart of Redis is waited for, and then an answer. */
const PATIENCE_MS = { connection: 2_000, answer: 3_000 } as const;
const OPEN_MS = 5_000;
const RECONNECT_MS = { first: 50, longest: 1_000 } as const;

const OPTIONS: RedisOptions = {
  lazyConnect: true,
  connectTimeout: PATIENCE_MS.answer,
  // A command that nobody waits for any more must not be sent later: it would take a ticket.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // It would reject where nobody listens.
  autoResubscribe: false,
  disableClientInfo: true,
  disconnectTimeout: 500,
  maxRetriesPerRequest: 0,
  socketTimeout: PATIENCE_MS.answer,
  retryStrategy: (times) => Math.min(RECONNECT_MS.first * 2 ** (times - 1), RECONNECT_MS.longest),
};

/** A connection to Redis for commands and one that listens, which come back by themselves. */
export class RedisConnection {
  readonly #logger = new Logger(RedisConnection.name);
  readonly #ready = new Condition();
  readonly commands: Redis;
  readonly listener: Redis;
  /** Since it was there the last time. */
  readonly #told = new Set<string>();
  #isOpen = false;

  private constructor({ ioredis }: BullLibraries, url: string) {
    this.commands = new ioredis.Redis(url, OPTIONS);
    this.listener = new ioredis.Redis(url, OPTIONS);
    for (const client of [this.commands, this.listener]) {
      client.on('error', (error) => this.tell(error));
      client.on('ready', () => this.#isBack());
    }
    this.commands.on('end', () => this.#ready.notifyAll());
  }

  /** @throws ComfyUIError `storage_failed` */
  static async open(libraries: BullLibraries, url: string): Promise<RedisConnection> {
    if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) throw unreadableUrl();
    const connection = new RedisConnection(libraries, url);
    try {
      await Promise.all([connected(connection.commands), connected(connection.listener)]);
      await connection.#lookAtMemory();
    } catch (error) {
      connection.close();
      throw redisError(error);
    }
    connection.#isOpen = true;
    return connection;
  }

  /** The number of the database: tickets of one are not those of another. */
  get database(): number {
    return this.commands.options.db ?? 0;
  }

  get isUp(): boolean {
    return this.commands.status === 'ready';
  }

  /**
   * Does something with Redis, once more after a short outage: it must come to the same end as if it had not been begun before.
   * @throws ComfyUIError `storage_failed` within 5 s
   */
  async call<T>(act: () => Promise<T>): Promise<T> {
    const until = performance.now() + PATIENCE_MS.connection;
    try {
      if (this.#isOpen && !this.isUp) await this.#ready.next(PATIENCE_MS.connection);
      this.#throwIfClosed();
      return await act().catch(async (error: unknown) => {
        if (!this.#isOpen || !isConnectionLost(error) || performance.now() >= until) throw error;
        await this.#ready.next(until - performance.now());
        this.#throwIfClosed();
        return act();
      });
    } catch (error) {
      throw redisError(error);
    }
  }

  /** Says what is wrong, once until Redis is back. */
  tell(error: unknown): void {
    const { message } = redisError(error);
    if (!this.#isOpen || this.#told.has(message)) return;
    this.#told.add(message);
    this.#logger.warn(oneLine(message));
  }

  /** At once; what is under way is rejected. */
  close(): void {
    this.#isOpen = false;
    this.#ready.notifyAll();
    for (const client of [this.commands, this.listener]) client.disconnect();
  }

  #throwIfClosed(): void {
    if (!this.#isOpen) throw new ComfyUIError('storage_failed', 'The connection to Redis is closed.');
  }

  #isBack(): void {
    if (this.commands.status === 'ready') this.#ready.notifyAll();
    if (this.#told.size === 0 || this.commands.status !== 'ready' || this.listener.status !== 'ready') return;
    this.#told.clear();
    this.#logger.log('Redis is back');
  }

  /** Our user may not be allowed to ask; then nothing is said. */
  async #lookAtMemory(): Promise<void> {
    const info = await this.commands.info('memory').catch(() => '');
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === 'noeviction') return;
    const why = 'When its memory is full it may drop tickets, which then have to be made again: set it to noeviction.';
    this.#logger.warn(`The maxmemory-policy of Redis is ${policy}. ${why}`);
  }
}

/** Waits for an answer that lets us in, or keeps us out for good. */
async function connected(client: Redis): Promise<void> {
  let last: unknown;
  const outcome = new Promise<void>((resolve, reject) => {
    client.once('ready', resolve);
    client.on('error', (error: Error) => {
      last = error;
      // Redis is there and does not take us, or has no such database; the client would go on with another.
      if (error.name === 'ReplyError') reject(error);
    });
    setTimeout(() => reject(last ?? new Error('Socket timeout')), OPEN_MS).unref();
  });
  client.connect().catch(() => undefined);
  await outcome;
}

/** Without a cause, which would hold the URL and so the password. */
function unreadableUrl(): ComfyUIError {
  const message =
    'The address of Redis must be redis://user:password@host:port/number, or rediss:// for TLS, with special characters percent-encoded.';
  return new ComfyUIError('storage_failed', message);
}

import { Logger } from '@nestjs/common';
import type * as IoRedis from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';
import { Condition } from '../../../shared/condition';
import { oneLine } from '../../../shared/text';
import { loadPeer } from '../../load-peer';
import { networkCodeOf } from '../../network-code';
import { type RedisAddress, redisAddress } from '../../redis-address';

/** Redis is asked for a sign of life this often; as long without an answer, and a connection is given up. ms. */
const PULSE_MS = 5_000;
const CONNECT_MS = 5_000;
/** Who starts waits no longer than this for a Redis that says nothing. */
const START_MS = 1_000;
/** A connection that is closed and hears nothing of it is cut. */
const CLOSE_MS = 300;
/** One complaint in so many milliseconds: the next message would bring the same. */
const COMPLAINT_MS = 60_000;

/**
 * Nothing waits in ioredis: what can not be sent now is rejected, and what was sent and not answered when a connection breaks,
 * too. Subscriptions are made again by whoever knows them.
 */
const OPTIONS: RedisOptions = {
  connectionName: 'nestjs-comfyui',
  disableClientInfo: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  connectTimeout: CONNECT_MS,
  socketTimeout: PULSE_MS,
  disconnectTimeout: CLOSE_MS,
  maxLoadingRetryTime: 500,
  retryStrategy: (tries) => Math.min(50 * 2 ** (tries - 1), 2_000) + Math.random() * 100,
};

/** Our two connections to one Redis, which are made again when they break. The log hears once that they did, and once that they are back. */
export class RedisLink {
  readonly #logger = new Logger(RedisLink.name);
  readonly #settled = new Condition();
  readonly #pulse = setInterval(() => this.#beat(), PULSE_MS).unref();
  #state: 'new' | 'up' | 'down' | 'closed' = 'new';
  #reason = '';
  #complainedAt = -Infinity;
  #up: () => void = () => undefined;

  private constructor(
    /** Asks and tells. */
    readonly commands: Redis,
    /** Hears what was subscribed to. */
    readonly subscriptions: Redis,
    private readonly address: RedisAddress,
  ) {
    for (const connection of [commands, subscriptions]) {
      connection.on('ready', () => this.#onReady());
      connection.on('close', () => this.#onDown('connection closed'));
      connection.on('connect', () => guard(connection));
      connection.on('error', (error: Error) => {
        guard(connection);
        this.#reason = networkCodeOf(error) ?? oneLine(error.message, 200);
      });
    }
  }

  /** Resolves also when there is no Redis now. @throws ComfyUIError `storage_failed` without ioredis, or an address */
  static async open(url: string): Promise<RedisLink> {
    const address = redisAddress(url);
    const load = () => require('ioredis') as typeof IoRedis;
    const ioredis = loadPeer(load, 'Sharing news of jobs through Redis', 'ioredis');
    const connect = () => new ioredis.Redis({ ...OPTIONS, ...address.options });
    const link = new RedisLink(connect(), connect(), address);
    await link.#settled.next(START_MS);
    if (link.#state === 'new') link.#onDown('no answer');
    return link;
  }

  get database(): number {
    return this.address.database;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Whenever both connections are there again. At most one listens. */
  onUp(up: () => void): void {
    this.#up = up;
  }

  /** For what Redis refused. What was lost with a connection is told of when that breaks. */
  complain(error: unknown): void {
    if (!isRefusal(error) || Date.now() < this.#complainedAt + COMPLAINT_MS) return;
    this.#complainedAt = Date.now();
    this.#logger.warn(`Redis at ${this.address.name} refuses news of jobs: ${oneLine(error.message, 200)}`);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    clearInterval(this.#pulse);
    await Promise.all([this.commands, this.subscriptions].map(closed));
  }

  #onReady(): void {
    if (this.commands.status !== 'ready' || this.subscriptions.status !== 'ready' || this.#state === 'closed') return;
    if (this.#state === 'down') this.#logger.log(`Redis at ${this.address.name} is back.`);
    this.#state = 'up';
    this.#reason = '';
    this.#settled.notifyAll();
    this.#up();
  }

  #onDown(why: string): void {
    if (this.#state === 'down' || this.#state === 'closed') return;
    this.#state = 'down';
    const { name } = this.address;
    this.#logger.warn(`Redis at ${name} can not be reached (${this.#reason || why}): news of jobs comes late.`);
    this.#settled.notifyAll();
  }

  #beat(): void {
    for (const connection of [this.commands, this.subscriptions])
      if (connection.status === 'ready') connection.ping().catch(() => undefined);
  }
}

/** Redis understood, and said no. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/**
 * ioredis hears the first error of a socket only, and one with TLS may tell two: that a certificate is not trusted, and what the
 * other side says to that. Nobody would hear the second, which ends the process.
 */
function guard({ stream }: Redis): void {
  if (stream && !stream.listeners('error').includes(unheard)) stream.on('error', unheard);
}

const unheard = (): void => undefined;

async function closed(connection: Redis): Promise<void> {
  guard(connection);
  const end = new Condition();
  connection.once('end', () => end.notifyAll());
  const isOpen = ['connecting', 'connect', 'ready'].includes(connection.status);
  connection.disconnect();
  if (isOpen) await end.next(2 * CLOSE_MS);
}

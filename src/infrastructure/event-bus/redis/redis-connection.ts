import { Logger } from '@nestjs/common';
import type * as IoRedis from 'ioredis';
import type { Redis, RedisOptions } from 'ioredis';
import { Condition } from '../../../shared/condition';
import { loadPeer } from '../../load-peer';
import { ConnectionState } from '../connection-state';
import { redisAddress } from './redis-address';

/** Interval of the pings, and the silence after which a connection counts as lost, ms. */
const PULSE_MS = 5_000;
const CONNECT_MS = 5_000;
/** Start-up waits this long for a Redis that does not respond. */
const START_MS = 1_000;
/** A closed connection that Redis does not acknowledge is cut after this time. */
const CLOSE_MS = 300;

/**
 * Nothing waits in ioredis: a command that cannot be sent now rejects, and so does one without a reply when its connection
 * breaks. The event bus subscribes again by itself.
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

/** The two connections of this process to Redis. They reconnect by themselves. */
export class RedisConnection {
  readonly #pulse = setInterval(() => this.#ping(), PULSE_MS).unref();
  readonly #state: ConnectionState;
  #lastError: Error | undefined;
  #onUp: () => void = () => undefined;

  private constructor(
    readonly commands: Redis,
    readonly subscriptions: Redis,
    /** Number of the database. */
    readonly database: number,
    name: string,
  ) {
    this.#state = new ConnectionState(new Logger(RedisConnection.name), `Redis at ${name}`);
    for (const connection of [commands, subscriptions]) {
      connection.on('ready', () => this.#onReady());
      connection.on('close', () => this.#state.down(this.#lastError ?? 'connection closed'));
      connection.on('connect', () => guard(connection));
      connection.on('error', (error: Error) => {
        guard(connection);
        this.#lastError = error;
      });
    }
  }

  /** Resolves also while Redis is unreachable. @throws ComfyUIError `storage_failed` without ioredis or a valid URL */
  static async open(url: string): Promise<RedisConnection> {
    const { options, name, database } = redisAddress(url);
    const load = () => require('ioredis') as typeof IoRedis;
    const ioredis = loadPeer(load, 'Publishing job events through Redis', 'ioredis');
    const connect = () => new ioredis.Redis({ ...OPTIONS, ...options });
    const connection = new RedisConnection(connect(), connect(), database, name);
    await connection.#state.first(START_MS);
    return connection;
  }

  get isUp(): boolean {
    return this.#state.isUp;
  }

  /** Called whenever both connections are ready, for the first time or again. At most one function is called. */
  onUp(onUp: () => void): void {
    this.#onUp = onUp;
  }

  /** Logs an error with which Redis replies. An error of a lost connection is logged when the connection breaks. */
  report(error: unknown): void {
    if (isRefusal(error)) this.#state.refused(error);
  }

  async close(): Promise<void> {
    this.#state.close();
    clearInterval(this.#pulse);
    await Promise.all([this.commands, this.subscriptions].map(closed));
  }

  #onReady(): void {
    if (this.commands.status !== 'ready' || this.subscriptions.status !== 'ready' || this.#state.isClosed) return;
    this.#lastError = undefined;
    this.#state.up();
    this.#onUp();
  }

  #ping(): void {
    for (const connection of [this.commands, this.subscriptions])
      if (connection.status === 'ready') connection.ping().catch(() => undefined);
  }
}

/** Whether Redis received the command and replied with an error. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/**
 * ioredis handles only the first error of a socket, and a TLS socket may emit two: the certificate is not trusted, and the alert
 * of the server that follows. Without a handler the second one ends the process.
 */
function guard({ stream }: Redis): void {
  if (stream && !stream.listeners('error').includes(ignore)) stream.on('error', ignore);
}

const ignore = (): void => undefined;

async function closed(connection: Redis): Promise<void> {
  guard(connection);
  const end = new Condition();
  connection.once('end', () => end.notifyAll());
  const isOpen = ['connecting', 'connect', 'ready'].includes(connection.status);
  connection.disconnect();
  if (isOpen) await end.wait(2 * CLOSE_MS);
}

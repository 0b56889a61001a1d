import { Socket } from 'node:net';
import type * as Pg from 'pg';
import { sleep } from '../../../shared/sleep';

/** A schema's processes share one channel. Channels belong to a database. */
const CHANNEL = 'comfyui_events';
const CONNECT_MS = 5_000;
/** A closed connection that PostgreSQL does not acknowledge is cut after this time. */
const CLOSE_MS = 300;

export interface SessionOptions {
  readonly url: string;
  /** Interval of the look-ups that keep the connection alive, and the silence after which it counts as lost, ms. */
  readonly pulse: number;
  readonly onMessage: (message: string) => void;
}

/** One connection to PostgreSQL that sends and receives notifications, until it is lost. */
export class PostgresSession {
  readonly #socket = new Socket();
  readonly #client: Pg.Client;
  #fail: (reason: unknown) => void = () => undefined;
  #isBusy = false;
  /** Resolves with the reason. */
  readonly lost = new Promise<unknown>((resolve) => (this.#fail = resolve));

  constructor(
    pg: typeof Pg,
    private readonly options: SessionOptions,
  ) {
    this.#client = new pg.Client({
      connectionString: options.url,
      fallback_application_name: 'nestjs-comfyui',
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: options.pulse,
      keepAlive: true,
      stream: () => this.#socket,
    });
    this.#client.on('error', (error) => this.#fail(error));
    this.#client.on('end', () => this.#fail('connection closed'));
    this.#client.on('notification', ({ payload }) => options.onMessage(payload ?? ''));
  }

  /** @throws what `pg` throws */
  async listen(): Promise<void> {
    await this.#client.connect();
    // A notification is part of a transaction, which would otherwise wait for the disk.
    await this.#client.query(`set synchronous_commit = off; listen ${CHANNEL}`);
    const pulse = setInterval(() => this.#beat(), this.options.pulse).unref();
    void this.lost.then(() => clearInterval(pulse));
  }

  /** Delivers all messages together, in their order. @throws what `pg` throws */
  async notify(messages: readonly string[]): Promise<void> {
    await this.#query(`select pg_notify('${CHANNEL}', message) from unnest($1::text[]) as message`, [messages]);
  }

  async close(): Promise<void> {
    const done = new AbortController();
    const end = this.#client.end().catch(() => undefined);
    await Promise.race([end, sleep(CLOSE_MS, done.signal)]);
    done.abort();
    this.cut();
  }

  cut(): void {
    this.#socket.destroy();
    this.#fail('connection closed');
  }

  #beat(): void {
    if (!this.#isBusy) void this.#query('select 1').catch(() => undefined);
  }

  /** A query without a response gives up the connection. */
  async #query(text: string, values: unknown[] = []): Promise<void> {
    this.#isBusy = true;
    try {
      await this.#client.query(text, values);
    } catch (error) {
      if (!isRefusal(error)) this.#fail(error);
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }
}

/** Whether PostgreSQL received the statement and responded with an error, over a connection that stays open. */
export function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return false;
  return error.severity === 'ERROR' && !/^(08|57P)/.test(String(error.code));
}

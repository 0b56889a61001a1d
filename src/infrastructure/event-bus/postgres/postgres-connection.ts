import { Logger } from '@nestjs/common';
import { ExponentialBackoff } from 'cockatiel';
import type * as Pg from 'pg';
import { sleep } from '../../../shared/sleep';
import { checkPostgresUrl, loadPg } from '../../postgres-client';
import { ConnectionState } from '../connection-state';
import { isRefusal, PostgresSession } from './postgres-session';

const PULSE_MS = 5_000;
/** Start-up waits this long for a PostgreSQL that does not respond. */
const START_MS = 1_000;
const BACKOFF = new ExponentialBackoff({ initialDelay: 50, maxDelay: 2_000 });

export interface PostgresConnectionOptions {
  readonly databaseUrl: string;
  /** Interval of the look-ups that keep the connection alive, and the silence after which it counts as lost, ms. */
  readonly pulse?: number;
}

/** The connection of this process to PostgreSQL for notifications. It reconnects by itself. */
export class PostgresConnection {
  readonly #state: ConnectionState;
  readonly #closed = new AbortController();
  #session: PostgresSession | undefined;
  #onUp: () => void = () => undefined;
  #onMessage: (message: string) => void = () => undefined;

  private constructor(
    private readonly pg: typeof Pg,
    private readonly url: string,
    private readonly pulse: number,
  ) {
    const name = `PostgreSQL at ${new URL(url).host}`;
    this.#state = new ConnectionState(new Logger(PostgresConnection.name), name);
  }

  /** Resolves also while PostgreSQL is unreachable. @throws ComfyUIError `storage_failed` without `pg` or a valid URL */
  static async open({ databaseUrl, pulse = PULSE_MS }: PostgresConnectionOptions): Promise<PostgresConnection> {
    checkPostgresUrl(databaseUrl);
    const connection = new PostgresConnection(loadPg(), databaseUrl, pulse);
    void connection.#stayConnected();
    await connection.#state.first(START_MS);
    return connection;
  }

  get isUp(): boolean {
    return this.#state.isUp;
  }

  /** Called whenever the connection receives notifications, for the first time or again. */
  onUp(onUp: () => void): void {
    this.#onUp = onUp;
  }

  onMessage(onMessage: (message: string) => void): void {
    this.#onMessage = onMessage;
  }

  /** @throws what `pg` throws */
  async notify(messages: readonly string[]): Promise<void> {
    if (!this.#session) throw new Error('The connection is closed.');
    await this.#session.notify(messages);
  }

  /** Logs an error with which PostgreSQL responds. @returns whether it is one; else the connection is lost */
  report(error: unknown): boolean {
    if (!isRefusal(error)) return false;
    this.#state.refused(error);
    return true;
  }

  async close(): Promise<void> {
    this.#state.close();
    this.#closed.abort();
    await this.#session?.close();
  }

  async #stayConnected(): Promise<void> {
    let pause = BACKOFF.next();
    while (!this.#state.isClosed) {
      const reason = await this.#connect().catch((error: unknown) => error);
      pause = this.isUp ? BACKOFF.next() : pause.next(undefined);
      this.#state.down(reason);
      await sleep(pause.duration, this.#closed.signal);
    }
  }

  /** Resolves when the connection is lost, with the reason. @throws what `pg` throws */
  async #connect(): Promise<unknown> {
    const onMessage = (message: string) => this.#onMessage(message);
    const session = new PostgresSession(this.pg, { url: this.url, pulse: this.pulse, onMessage });
    this.#session = session;
    try {
      await session.listen();
      if (this.#state.isClosed) return undefined;
      this.#state.up();
      this.#onUp();
      return await session.lost;
    } finally {
      session.cut();
    }
  }
}

import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type * as Pg from 'pg';
import { isConnectionLost } from './storage-errors';

/** The connections of a pool; one that failed is thrown away when it comes back, however it failed. */
export class CarefulPool implements PostgresPool {
  constructor(private readonly pool: Pg.Pool) {
    // Without a listener a connection that is lost ends the process; who used it hears of it by the query.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** For Kysely. */
  async connect(): Promise<PostgresPoolClient> {
    return (await this.borrow()) as unknown as PostgresPoolClient;
  }

  async borrow(): Promise<BorrowedConnection> {
    return new BorrowedConnection(await this.pool.connect());
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}

/** `pg` would put a connection back whose query ran into its time limit and still waits for the answer. */
export class BorrowedConnection {
  #lost: Error | undefined;

  constructor(private readonly client: Pg.PoolClient) {}

  /**
   * Queries are answered in the order in which they are sent; none waits for those before.
   * Once lost, every query fails as the first did: so a rollback does not hide what happened.
   * @param name of a query whose plan the server keeps
   */
  async query(text: string, values: readonly unknown[], name?: string): Promise<Pg.QueryResult> {
    if (this.#lost) throw this.#lost;
    this.#sendTogether();
    try {
      return await this.client.query({ text, values: [...values], name });
    } catch (error) {
      if (error instanceof Error && isConnectionLost(error)) this.#lost = error;
      throw error;
    }
  }

  /** What is asked in one go travels in one packet: each would wake the server by itself. */
  #sendTogether(): void {
    const { stream } = this.client.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  release(): void {
    this.client.release(this.#lost);
  }
}

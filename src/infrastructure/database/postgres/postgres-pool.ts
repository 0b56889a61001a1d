import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type * as Pg from 'pg';
import { Batch, type BatchedQuery } from './postgres-batch';
import { isConnectionLost } from '../database-errors';

/** Makes a query that tells its end. */
export type MakeQuery = (config: Pg.QueryConfig, end: (error: unknown, result: Pg.QueryResult) => void) => BatchedQuery;

/** The connections of a pool; one that failed is thrown away when it comes back, however it failed. */
export class CarefulPool implements PostgresPool {
  constructor(
    private readonly pool: Pg.Pool,
    private readonly makeQuery: MakeQuery,
  ) {
    // Without a listener a connection that is lost ends the process; who used it hears of it by the query.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** For Kysely. */
  async connect(): Promise<PostgresPoolClient> {
    return (await this.borrow()) as unknown as PostgresPoolClient;
  }

  async borrow(): Promise<BorrowedConnection> {
    return new BorrowedConnection(await this.pool.connect(), this.makeQuery);
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}

/** `pg` would put a connection back whose query ran into its time limit and still waits for the answer. */
export class BorrowedConnection {
  #lost: Error | undefined;
  #unsent: BatchedQuery[] = [];
  #isBusy = false;

  constructor(
    private readonly client: Pg.PoolClient,
    private readonly makeQuery: MakeQuery,
  ) {}

  /**
   * Queries are done in the order in which they come. Those that come together count together.
   * Once lost, every query fails as the first did: so a rollback does not hide what happened.
   * @param name of a query whose plan the server keeps
   */
  query(text: string, values: readonly unknown[], name?: string): Promise<Pg.QueryResult> {
    return new Promise((resolve, reject) => {
      const end = (error: unknown, result: Pg.QueryResult) => {
        if (!error) return resolve(result);
        if (error instanceof Error && isConnectionLost(error)) this.#lost ??= error;
        reject(error);
      };
      if (this.#unsent.length === 0) process.nextTick(() => this.#send());
      this.#unsent.push(this.makeQuery({ text, values: [...values], name }, end));
    });
  }

  release(): void {
    this.client.release(this.#lost);
  }

  #send(): void {
    const queries = this.#unsent;
    if (this.#isBusy || queries.length === 0) return;
    this.#unsent = [];
    this.#isBusy = true;
    const batch = new Batch(queries, () => {
      this.#isBusy = false;
      this.#send();
    });
    if (this.#lost) batch.handleError(this.#lost);
    else this.client.query(batch);
  }
}

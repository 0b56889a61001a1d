import type { QueryResult } from 'kysely';
import type { PoolClient, QueryResult as Answer } from 'pg';
import { isServerError } from '../database-errors';
import type { Statement } from '../statements';

/**
 * A connection while it is out of the pool. After a failure that is not an answer of the server it sends nothing more, so that
 * no commit follows a statement that was never sent, and it does not go back to the pool.
 */
export class PostgresSession {
  #failure: Error | undefined;

  constructor(private readonly client: PoolClient) {}

  /** Sends the statement at once; statements are executed in order. */
  run<Row>({ sql, parameters, name }: Statement<Row>): Promise<QueryResult<Row>> {
    if (this.#failure) return Promise.reject(this.#failure);
    const query = { text: sql, values: [...parameters], name };
    return new Promise((resolve, reject) => {
      // A callback, because it runs before the next statement is sent when `pg` cannot send this one.
      this.client.query(query, (error: Error | null, answer: Answer) => {
        if (!error) return resolve({ rows: answer.rows as Row[], numAffectedRows: BigInt(answer.rowCount ?? 0) });
        if (!isServerError(error)) this.#failure ??= error;
        reject(error);
      });
    });
  }

  release(): void {
    this.client.release(this.#failure);
  }
}

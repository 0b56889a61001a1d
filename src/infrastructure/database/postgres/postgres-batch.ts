import type * as Pg from 'pg';

/** A query of `pg`, and what `pg` calls on it as the answer comes in; not in its types. */
export type BatchedQuery = Pg.Query & { readonly name?: string; readonly text: string } & {
  [
    Handler in
      'handleRowDescription' | 'handleDataRow' | 'handleCommandComplete' | 'handleReadyForQuery' | 'handleError'
  ]: (...told: unknown[]) => void;
};

interface BatchConnection extends Pg.Connection {
  /** Of queries that the server is to keep, until it has said that it does. */
  readonly submittedNamedStatements: Record<string, string>;
}

/**
 * Queries that go to the server in one packet and come back in one: by itself `pg` asks for an answer to each, which wakes
 * both sides each time. Without a `begin` they are one transaction. If one fails, all fail as it did.
 */
export class Batch implements Pg.Submittable {
  /** Set by `pg`, for its time limit. */
  callback: ((error?: unknown) => void) | undefined;
  #done = 0;

  /** @param over called once, when all are answered or will not be */
  constructor(
    private readonly queries: readonly BatchedQuery[],
    private readonly over: () => void,
  ) {}

  /** Of the query that the server is at: `pg` takes down what it has prepared. */
  get name(): string | undefined {
    return this.queries[this.#done]?.name;
  }

  get text(): string | undefined {
    return this.queries[this.#done]?.text;
  }

  submit(connection: Pg.Connection): void {
    const { stream } = connection;
    // Each query would ask for its answer; one whose values can not be written gets none, and the others must not get its.
    const link = Object.create(connection, {
      sync: { value: () => undefined },
      close: { value: () => stream.destroy(new Error('A value can not be sent to PostgreSQL.')) },
    }) as Pg.Connection;
    stream.cork();
    for (const query of this.queries) query.submit(link);
    connection.sync();
    stream.uncork();
  }

  handleRowDescription(told: unknown): void {
    this.queries[this.#done]?.handleRowDescription(told);
  }

  handleDataRow(told: unknown): void {
    this.queries[this.#done]?.handleDataRow(told);
  }

  /** It counts only when all are done. */
  handleCommandComplete(told: unknown, connection: unknown): void {
    this.queries[this.#done]?.handleCommandComplete(told, connection);
    this.#done += 1;
  }

  handleReadyForQuery(connection: unknown): void {
    this.callback?.();
    for (const query of this.queries) query.handleReadyForQuery(connection);
    this.over();
  }

  handleError(error: unknown, connection?: BatchConnection): void {
    // The server has passed over what came behind.
    for (const { name } of this.queries.slice(this.#done))
      if (name !== undefined) delete connection?.submittedNamedStatements[name];
    this.callback?.(error);
    for (const query of this.queries) query.handleError(error, connection);
    this.over();
  }
}

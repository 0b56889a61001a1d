import { CompiledQuery, type Kysely, type QueryResult } from 'kysely';
import type { Pool } from 'pg';
import type { Statement, Statements, Transaction } from '../statements';
import type { Tables } from '../tables';
import { PostgresSession } from './postgres-session';

const BEGIN = CompiledQuery.raw('begin');
const COMMIT = CompiledQuery.raw('commit');
const ROLLBACK = CompiledQuery.raw('rollback');

/** Statements on pipelined connections: Kysely waits for the answer to each. */
export class PostgresStatements implements Statements {
  constructor(
    readonly kysely: Kysely<Tables>,
    private readonly pool: Pool,
  ) {}

  async run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    const session = new PostgresSession(await this.pool.connect());
    try {
      return await session.run(statement);
    } finally {
      session.release();
    }
  }

  async transact<T>(write: (transaction: Transaction) => Promise<T>): Promise<T> {
    const session = new PostgresSession(await this.pool.connect());
    const transaction = new PostgresTransaction(this.kysely, session);
    try {
      const value = await write(transaction);
      await transaction.commit();
      return value;
    } catch (error) {
      await transaction.rollback();
      throw error;
    } finally {
      session.release();
    }
  }
}

/** Sends each statement without waiting for the answers before it, `begin` and `commit` included. */
class PostgresTransaction implements Transaction {
  readonly #answers: Promise<unknown>[] = [];
  #isCommitted = false;

  constructor(
    readonly kysely: Kysely<Tables>,
    private readonly session: PostgresSession,
  ) {}

  run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    if (this.#answers.length === 0) void this.#send(BEGIN);
    return this.#send(statement);
  }

  send(statement: Statement): void {
    void this.run(statement);
  }

  /** Sent without waiting for the statements before: once one has failed, PostgreSQL takes a commit as a rollback. */
  async commit(): Promise<void> {
    if (this.#answers.length > 0) void this.#send(COMMIT);
    this.#isCommitted = true;
    await Promise.all(this.#answers);
  }

  /** Waits until the connection is idle again. Never rejects: the failure is known already. */
  async rollback(): Promise<void> {
    if (this.#answers.length > 0 && !this.#isCommitted) void this.#send(ROLLBACK);
    await Promise.allSettled(this.#answers);
  }

  #send<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    const answer = this.session.run(statement);
    // The caller of the statement and the commit receive the failure.
    answer.catch(() => undefined);
    this.#answers.push(answer);
    return answer;
  }
}

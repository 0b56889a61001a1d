import { CompiledQuery, type Kysely, type QueryResult } from 'kysely';
import type { BorrowedConnection, CarefulPool } from './postgres-pool';
import type { Statement, Statements, Transaction } from '../statements';
import type { Tables } from '../tables';

const BEGIN = CompiledQuery.raw('begin');
const COMMIT = CompiledQuery.raw('commit');
const ROLLBACK = CompiledQuery.raw('rollback');

/** Statements on PostgreSQL with as few trips to it as possible: Kysely would wait for each. */
export class PostgresStatements implements Statements {
  constructor(
    readonly kysely: Kysely<Tables>,
    private readonly pool: CarefulPool,
  ) {}

  async run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    const connection = await this.pool.borrow();
    try {
      return await send(connection, statement);
    } finally {
      connection.release();
    }
  }

  async transact<T>(write: (transaction: Transaction) => Promise<T>): Promise<T> {
    const connection = await this.pool.borrow();
    const transaction = new PostgresTransaction(this.kysely, connection);
    try {
      const value = await write(transaction);
      await transaction.commit();
      return value;
    } catch (error) {
      await transaction.rollback();
      throw error;
    } finally {
      connection.release();
    }
  }
}

/** What is asked for in one go is sent in one go; if that is all of it, it is a transaction without being told so. */
class PostgresTransaction implements Transaction {
  readonly #answers: Promise<unknown>[] = [];
  #unsent: (() => void)[] = [];
  #hasBegun = false;
  #isWhole = false;

  constructor(
    readonly kysely: Kysely<Tables>,
    private readonly connection: BorrowedConnection,
  ) {}

  run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>> {
    const answer = new Promise<QueryResult<Row>>((resolve, reject) => {
      this.#plan(() => void send(this.connection, statement).then(resolve, reject));
    });
    // Who waits for it hears of a failure, and so does the commit.
    answer.catch(() => undefined);
    this.#answers.push(answer);
    return answer;
  }

  send(statement: Statement): void {
    void this.run(statement);
  }

  /** Right behind the last statement: if one failed, PostgreSQL takes it for a rollback. */
  async commit(): Promise<void> {
    this.#isWhole = true;
    if (this.#hasBegun) void this.run(COMMIT);
    await Promise.all(this.#answers);
  }

  /** Never rejects: what went wrong is known already. */
  async rollback(): Promise<void> {
    this.#unsent = [];
    if (this.#hasBegun) await send(this.connection, ROLLBACK).catch(() => undefined);
  }

  #plan(act: () => void): void {
    if (this.#unsent.length === 0) process.nextTick(() => this.#send());
    this.#unsent.push(act);
  }

  #send(): void {
    const acts = this.#unsent;
    this.#unsent = [];
    if (!this.#isWhole && !this.#hasBegun && acts.length > 0) {
      this.#hasBegun = true;
      acts.unshift(() => void send(this.connection, BEGIN).catch(() => undefined));
    }
    for (const act of acts) act();
  }
}

async function send<Row>(
  connection: BorrowedConnection,
  { sql, parameters, name }: Statement<Row>,
): Promise<QueryResult<Row>> {
  const { rows, rowCount } = await connection.query(sql, parameters, name);
  return { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) };
}

import type { Kysely } from 'kysely';
import type { Statements, Transaction } from './statements';
import type { Tables } from './tables';

/** An open database whose tables are up to date. */
export interface Database {
  readonly kysely: Kysely<Tables>;
  readonly dialect: 'sqlite' | 'postgres';
  /** Each a transaction of its own. */
  readonly statements: Statements;
  /**
   * Resolves when the write is on disk; those that come at the same time may be committed together, so one that rejects
   * with an error of ours must not have written anything.
   */
  transact<T>(write: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

import type { Kysely } from 'kysely';
import type { Statements, Transaction } from './statements';
import type { Tables } from './tables';

/** An open database whose tables are up to date. */
export interface Database {
  readonly kysely: Kysely<Tables>;
  readonly dialect: 'sqlite' | 'postgres';
  /** Each statement is a transaction. */
  readonly statements: Statements;
  /**
   * Resolves when the write is on disk. Writes of the same time may be committed together, so a write that rejects with a
   * `ComfyUIError` must not have written anything.
   */
  transact<T>(write: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

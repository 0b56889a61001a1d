import type { Kysely } from 'kysely';
import type { Tables } from './tables';

/** An open database whose tables are up to date. */
export interface Database {
  readonly kysely: Kysely<Tables>;
  readonly dialect: 'sqlite' | 'postgres';
  close(): Promise<void>;
}

import type { CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { Tables } from './tables';

/** One that comes again and again has a name, under which the database may keep its plan. */
export interface Statement<Row = unknown> extends CompiledQuery<Row> {
  readonly name?: string;
}

/** Where statements run. */
export interface Statements {
  /** To build them with. */
  readonly kysely: Kysely<Tables>;
  run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>>;
}

/** Statements that count together or not at all, done in the order in which they come. */
export interface Transaction extends Statements {
  /** Nobody waits for it, except for the commit: if it fails, all does. */
  send(statement: Statement): void;
}

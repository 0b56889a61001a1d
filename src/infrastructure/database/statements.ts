import type { CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { Tables } from './tables';

/** A frequent statement has a name, under which the database keeps its plan. */
export interface Statement<Row = unknown> extends CompiledQuery<Row> {
  readonly name?: string;
}

/** Executes statements. */
export interface Statements {
  /** Builds statements. */
  readonly kysely: Kysely<Tables>;
  run<Row>(statement: Statement<Row>): Promise<QueryResult<Row>>;
}

/** Statements that are committed together or not at all, executed in the order of the calls. */
export interface Transaction extends Statements {
  /** Runs a statement without an answer: if it fails, the commit fails. */
  send(statement: Statement): void;
}

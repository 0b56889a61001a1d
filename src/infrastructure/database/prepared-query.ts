import { type Compilable, type Kysely, type QueryResult, type RawBuilder, sql } from 'kysely';
import type { Statement, Statements, Transaction } from './statements';
import type { Tables } from './tables';

/** The values of a query, each to be filled in when it runs. */
export type Placeholders<Values> = { readonly [Name in keyof Values]: RawBuilder<Values[Name]> };

/** Stands for a value while the query is built. */
class Placeholder {
  constructor(readonly name: string) {}
}

let prepared = 0;

/**
 * A query that is built and compiled once, for those that every job needs: it takes longer than to run it. PostgreSQL keeps
 * its plan, too, for as long as the connection lasts: what it answers must be the same after a migration, so columns are named.
 */
export class PreparedQuery<Values extends object, Row = unknown> {
  readonly #name = `comfyui_${(prepared += 1)}`;
  #compiled: Statement<Row> | undefined;

  constructor(private readonly build: (kysely: Kysely<Tables>, values: Placeholders<Values>) => Compilable<Row>) {}

  /** All runs have to be on the same kind of database and with values of the same names. */
  run(statements: Statements, values: Values): Promise<QueryResult<Row>> {
    return statements.run(this.#with(statements.kysely, values));
  }

  send(transaction: Transaction, values: Values): void {
    transaction.send(this.#with(transaction.kysely, values));
  }

  #with(kysely: Kysely<Tables>, values: Values): Statement<Row> {
    this.#compiled ??= { ...this.build(kysely, placeholders(values)).compile(), name: this.#name };
    const valueOf = new Map(Object.entries(values));
    const parameters = this.#compiled.parameters.map((one) =>
      one instanceof Placeholder ? valueOf.get(one.name) : one,
    );
    return { ...this.#compiled, parameters };
  }
}

function placeholders<Values extends object>(values: Values): Placeholders<Values> {
  const all = Object.keys(values).map((name) => [name, sql`${new Placeholder(name)}`]);
  return Object.fromEntries(all) as Placeholders<Values>;
}

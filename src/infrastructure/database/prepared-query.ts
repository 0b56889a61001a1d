import { type Compilable, type Kysely, type QueryResult, type RawBuilder, sql } from 'kysely';
import type { Statement, Statements, Transaction } from './statements';
import type { Tables } from './tables';

/** The values of a query, each bound when it runs. */
export type Placeholders<Values> = { readonly [Name in keyof Values]: RawBuilder<Values[Name]> };

/** Takes the place of a value while the query is built. */
class Placeholder {
  constructor(readonly name: string) {}
}

let prepared = 0;

/**
 * A query that is built and compiled once, which takes longer than running it. PostgreSQL keeps its plan for the time of the
 * connection, also over a migration by another process: it must name its columns, so that its result type stays the same.
 */
export class PreparedQuery<Values extends object, Row = unknown> {
  readonly #name = `comfyui_${(prepared += 1)}`;
  #compiled: Statement<Row> | undefined;

  constructor(private readonly build: (kysely: Kysely<Tables>, values: Placeholders<Values>) => Compilable<Row>) {}

  /** All runs must be on the same kind of database and with values of the same names. */
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

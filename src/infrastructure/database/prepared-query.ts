import { type Compilable, type CompiledQuery, type Kysely, type QueryResult, type RawBuilder, sql } from 'kysely';
import type { Tables } from './tables';

/** The values of a query, each to be filled in when it runs. */
export type Placeholders<Values> = { readonly [Name in keyof Values]: RawBuilder<Values[Name]> };

/** Stands for a value while the query is built. */
class Placeholder {
  constructor(readonly name: string) {}
}

/** A query that is built and compiled once, for those that every job needs: it takes longer than to run it. */
export class PreparedQuery<Values extends object, Row = unknown> {
  #compiled: CompiledQuery<Row> | undefined;

  constructor(private readonly build: (kysely: Kysely<Tables>, values: Placeholders<Values>) => Compilable<Row>) {}

  /** All runs have to be on the same kind of database and with values of the same names. */
  run(kysely: Kysely<Tables>, values: Values): Promise<QueryResult<Row>> {
    this.#compiled ??= this.build(kysely, placeholders(values)).compile();
    const valueOf = new Map(Object.entries(values));
    const parameters = this.#compiled.parameters.map((one) =>
      one instanceof Placeholder ? valueOf.get(one.name) : one,
    );
    return kysely.executeQuery({ ...this.#compiled, parameters });
  }
}

function placeholders<Values extends object>(values: Values): Placeholders<Values> {
  const all = Object.keys(values).map((name) => [name, sql`${new Placeholder(name)}`]);
  return Object.fromEntries(all) as Placeholders<Values>;
}

import type { PoolClient } from 'pg';
import { restRefusals } from './postgrest-errors';

/** A column of the schema cache. */
interface Column {
  readonly name: string;
  readonly type: string;
}

interface Query {
  readonly sql: string;
  readonly values: string[];
}

interface Upsert {
  readonly url: URL;
  readonly body: string;
  /** The header. */
  readonly prefer: string;
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

export async function columnsOf(client: PoolClient, table: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = to_regclass('public.' || quote_ident($1)) and attnum > 0 and not attisdropped`,
    [table],
  );
  if (rows.length === 0) throw restRefusals.noTable(table);
  return rows;
}

/** PostgREST's statement of an upsert: Query/QueryBuilder.hs, mutatePlanToQuery; Query/SqlFragment.hs, fromJsonBodyF. */
export function upsertQuery(
  table: string,
  columns: readonly Column[],
  { url: { searchParams }, body, prefer }: Upsert,
): Query {
  const wanted = (searchParams.get('columns') ?? '').split(',').map((name) => name.replaceAll('"', ''));
  const known = new Map(columns.map((column) => [column.name, column]));
  const unknown = wanted.find((name) => !known.has(name));
  if (unknown !== undefined) throw restRefusals.noColumn(table, unknown);
  const names = wanted.map(quoted);
  const typed = wanted.map((name) => `${quoted(name)} ${known.get(name)?.type}`);
  const updates = names.map((name) => `${name} = excluded.${name}`);
  const isMerge = prefer.includes('resolution=merge-duplicates');
  const conflict = isMerge ? `update set ${updates.join(', ')} where ${counted('-', '-1')}` : 'nothing';
  const sql = `with pgrst_source as (
    insert into public.${quoted(table)} (${names.join(', ')})
    select ${names.map((name) => `pgrst_body.${name}`).join(', ')}
    from (select $1::json as json_data) pgrst_payload,
      lateral (select ${names.join(', ')} from json_to_recordset(pgrst_payload.json_data) as _(${typed.join(', ')})) pgrst_body
    where ${counted('+', '0')}
    on conflict (${quoted(searchParams.get('on_conflict') ?? '')}) do ${conflict}
    returning ${quoted(searchParams.get('select') ?? '')}
  ) select coalesce(json_agg(_postgrest_t), '[]') as body, nullif(current_setting('pgrst.inserted', true), '')::int as inserted
  from (select * from pgrst_source) _postgrest_t`;
  return { sql, values: [body] };
}

/** Query/SqlFragment.hs, addConfigPgrstInserted. */
function counted(sign: '+' | '-', never: string): string {
  const so = `coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)`;
  return `set_config('pgrst.inserted', (${so} ${sign} 1)::text, true) <> '${never}'`;
}

export function deleteQuery(table: string, { searchParams }: URL): Query {
  const [column = '', filter = ''] = [...searchParams].find(([name]) => name !== 'select') ?? [];
  const sql = `with pgrst_source as (
    delete from public.${quoted(table)} where ${quoted(column)}::text = $1 returning ${quoted(searchParams.get('select') ?? '')}
  ) select coalesce(json_agg(_postgrest_t), '[]') as body from (select * from pgrst_source) _postgrest_t`;
  return { sql, values: [filter.replace(/^eq\./, '')] };
}

import { Kysely, PostgresDialect, sql } from 'kysely';
import type * as Pg from 'pg';
import { checkPostgresUrl, loadPg } from '../../postgres-client';
import type { Database } from '../database';
import { withDatabaseRetry } from '../database-retry';
import { migrate } from '../migrate';
import type { Tables } from '../tables';
import { PostgresStatements } from './postgres-statements';

/** A schema of our own: the tables of other software stay untouched, and Supabase does not expose it in its API. */
const SCHEMA = 'comfyui';
const CONNECT_MS = 5_000;
/** The client waits longer than the server: as a rule the server ends a statement, and reports it. */
const STATEMENT_MS = { server: 10_000, client: 13_000 };
/** Another process may be migrating, and a large table takes time. */
const MIGRATION_MS = { server: 300_000, client: 303_000 };
/** A process that loses its network within a transaction blocks the others no longer than this. */
const IDLE_TRANSACTION_MS = 15_000;

/** @throws ComfyUIError `storage_failed` */
export async function openPostgres(url: string): Promise<Database> {
  checkPostgresUrl(url);
  const pg = loadPg();
  await withDatabaseRetry(() => migrateAt(pg, url));
  const pool = connect(pg, { connectionString: url, max: 10 }, STATEMENT_MS);
  const kysely = withTables(pool);
  // Kysely closes only what was used: without this, a database that is closed at once would open again.
  await withDatabaseRetry(() => sql`select 1`.execute(kysely));
  const statements = new PostgresStatements(kysely, pool);
  return {
    kysely,
    dialect: 'postgres',
    statements,
    transact: (write) => statements.transact(write),
    close: () => kysely.destroy(),
  };
}

async function migrateAt(pg: typeof Pg, url: string): Promise<void> {
  const kysely = withTables(connect(pg, { connectionString: url, max: 1 }, MIGRATION_MS));
  try {
    await migrate(kysely, SCHEMA);
  } finally {
    await kysely.destroy();
  }
}

/** A pool of pipelined connections. `pg` ends one whose query exceeds its time limit. */
function connect(pg: typeof Pg, config: Pg.PoolConfig, limits: { server: number; client: number }): Pg.Pool {
  const types: Pg.CustomTypesConfig = {
    getTypeParser: (oid, format) => (oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)),
  };
  const pool = new pg.Pool({
    ...config,
    types,
    pipeline: true,
    fallback_application_name: 'nestjs-comfyui',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: limits.server,
    query_timeout: limits.client,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    keepAlive: true,
  });
  // Without a listener a lost connection ends the process; the query that used it rejects.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

function withTables(pool: Pg.Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }).withSchema(SCHEMA);
}

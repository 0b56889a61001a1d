import { Kysely, PostgresDialect, sql } from 'kysely';
import type * as Pg from 'pg';
import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import type { Database } from '../database';
import { migrate } from '../migrate';
import type { BatchedQuery } from './postgres-batch';
import { CarefulPool } from './postgres-pool';
import { PostgresStatements } from './postgres-statements';
import { stored } from '../database-retry';
import type { Tables } from '../tables';

/** A schema of our own: nothing else in the database is touched, and Supabase does not offer it to the world. */
const SCHEMA = 'comfyui';
const CONNECT_MS = 5_000;
/** Ours is longer than the server's: as a rule the server ends a statement, and says so. */
const STATEMENT_MS = { server: 10_000, here: 13_000 };
/** Another process may be at it, and a large table takes time. */
const MIGRATION_MS = { server: 300_000, here: 303_000 };
/** A process that was cut off in a transaction keeps the others waiting no longer than this. */
const IDLE_TRANSACTION_MS = 15_000;

/** @throws ComfyUIError `storage_failed` */
export async function openPostgres(url: string): Promise<Database> {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) throw unreadableUrl();
  const pg = loadPg();
  await stored(() => migrateAt(pg, url));
  const pool = connect(pg, { connectionString: url, max: 10 }, STATEMENT_MS);
  const kysely = withTables(pool);
  // Kysely closes only what was used: without this, a database closed at once would open again.
  await stored(() => sql`select 1`.execute(kysely));
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

function connect(pg: typeof Pg, config: Pg.PoolConfig, limits: { server: number; here: number }): CarefulPool {
  const pool = new pg.Pool({
    ...config,
    fallback_application_name: 'nestjs-comfyui',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: limits.server,
    query_timeout: limits.here,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    keepAlive: true,
  });
  const types: Pg.CustomTypesConfig = {
    getTypeParser: (oid, format) => (oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)),
  };
  const extended = { types, queryMode: 'extended' };
  return new CarefulPool(pool, (query, end) => new pg.Query({ ...query, ...extended }, end) as BatchedQuery);
}

function withTables(pool: CarefulPool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }).withSchema(SCHEMA);
}

function loadPg(): typeof Pg {
  try {
    return require('pg') as typeof Pg;
  } catch (error) {
    if (!isObject(error) || error.code !== 'MODULE_NOT_FOUND') throw error;
    const message = 'PostgreSQL needs the package "pg", which is not installed: npm install pg';
    throw new ComfyUIError('storage_failed', message, { cause: error });
  }
}

/** Without a cause, which would hold the URL and so the password. */
function unreadableUrl(): ComfyUIError {
  const message =
    'The address of the job database must be postgres://user:password@host:port/database, with special characters percent-encoded.';
  return new ComfyUIError('storage_failed', message);
}

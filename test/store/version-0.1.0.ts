import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dialect, Kysely, type Migration, Migrator, PostgresDialect } from 'kysely';
import Libsql from 'libsql';
import { Pool } from 'pg';
import * as jobs from '../../src/infrastructure/database/migrations/0001-jobs';
import * as assets from '../../src/infrastructure/database/migrations/0002-assets';
import * as leases from '../../src/infrastructure/database/migrations/0003-leases';
import { LibsqlDialect } from '../../src/infrastructure/database/sqlite/libsql-dialect';
import { parseJson } from '../../src/shared/json';
import type { Place } from './places';

type Row = Record<string, unknown>;

interface Fixture {
  /** All rows by table, as version 0.1.0 wrote them. */
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  /** The jobs as version 0.1.0 read them, waiting ones first. */
  readonly jobs: readonly (Row & { readonly id: string; readonly needs: Row; readonly placement: number })[];
}

const MIGRATIONS: Record<string, Migration> = { '0001-jobs': jobs, '0002-assets': assets, '0003-leases': leases };
const FILE = join(__dirname, '..', 'fixtures', 'database', 'version-0.1.0.json');

export const VERSION_0_1_0 = parseJson(readFileSync(FILE, 'utf8')) as Fixture;

/** Creates the database of version 0.1.0 with its rows. */
export async function createVersion010({ options }: Place): Promise<void> {
  const isShared = options.databaseUrl !== undefined;
  const database = new Kysely<Record<string, Row>>({ dialect: dialectFor(options) });
  const kysely = isShared ? database.withSchema('comfyui') : database;
  const provider = { getMigrations: async () => MIGRATIONS };
  const migrationTableSchema = isShared ? 'comfyui' : undefined;
  const { error } = await new Migrator({ db: kysely, provider, migrationTableSchema }).migrateToLatest();
  if (error) throw error as Error;
  for (const [table, rows] of Object.entries(VERSION_0_1_0.tables))
    await kysely
      .insertInto(table)
      .values([...rows])
      .execute();
  await database.destroy();
}

function dialectFor({ databaseUrl, dataDirectory = '' }: Place['options']): Dialect {
  if (databaseUrl !== undefined) return new PostgresDialect({ pool: new Pool({ connectionString: databaseUrl }) });
  mkdirSync(dataDirectory, { recursive: true });
  return new LibsqlDialect(new Libsql(join(dataDirectory, 'jobs.db')));
}

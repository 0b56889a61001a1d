import { type Kysely, type Migration, Migrator } from 'kysely';
import { ComfyUIError } from '../../domain/errors';
import * as jobs from './migrations/0001-jobs';
import * as assets from './migrations/0002-assets';
import * as leases from './migrations/0003-leases';
import * as oneQueue from './migrations/0004-one-queue';
import type { Tables } from './tables';

/** By name, in order. A released migration is never changed: a new one follows. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-jobs': jobs,
  '0002-assets': assets,
  '0003-leases': leases,
  '0004-one-queue': oneQueue,
};

/**
 * Brings the tables up to date, in one transaction. Processes that start at the same time wait for each other.
 * @param schema of the tables in PostgreSQL
 */
export async function migrate(kysely: Kysely<Tables>, schema?: string): Promise<void> {
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableSchema: schema,
  });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (error instanceof Error && error.message.startsWith('corrupted migrations')) throw madeByNewer(error);
  throw error;
}

function madeByNewer(cause: Error): ComfyUIError {
  const message =
    'The job database was made by a newer version of this software: run that one, or use another database.';
  return new ComfyUIError('storage_failed', message, { cause });
}

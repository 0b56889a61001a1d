import type { Database } from './database';
import { openLibsql } from './sqlite/open-libsql';
import { openPostgres } from './postgres/open-postgres';

export interface DatabaseOptions {
  /** The folder of the embedded database, created if missing. For one process at a time. */
  readonly dataDirectory?: string;
  /** `postgres://user:password@host/database`; used instead of the folder. */
  readonly databaseUrl?: string;
}

/**
 * Opens the database and brings its tables up to date. Without a folder and a URL it is in memory.
 * @throws ComfyUIError `storage_failed`
 */
export function openDatabase({ dataDirectory, databaseUrl }: DatabaseOptions = {}): Promise<Database> {
  return databaseUrl === undefined ? openLibsql(dataDirectory) : openPostgres(databaseUrl);
}

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Kysely } from 'kysely';
import type Libsql from 'libsql';
import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import type { Database } from '../database';
import { GroupCommit } from './group-commit';
import { LibsqlDialect } from './libsql-dialect';
import { migrate } from '../migrate';
import { storageError } from '../database-errors';
import { withDatabaseRetry } from '../database-retry';
import type { Tables } from '../tables';

/**
 * The embedded database: a file for this process alone, or memory.
 * @throws ComfyUIError `storage_failed`, also when another process uses the folder
 */
export async function openLibsql(dataDirectory?: string): Promise<Database> {
  const database = await (dataDirectory === undefined ? openMemory() : openFile(resolve(dataDirectory)));
  const kysely = new Kysely<Tables>({ dialect: new LibsqlDialect(database) });
  try {
    await withDatabaseRetry(() => migrate(kysely));
  } catch (error) {
    await kysely.destroy();
    throw error;
  }
  const together = new GroupCommit(kysely);
  return {
    kysely,
    dialect: 'sqlite',
    statements: { kysely, run: (statement) => kysely.executeQuery(statement) },
    transact: (write) => together.run(write),
    close: () => kysely.destroy(),
  };
}

function openMemory(): Promise<Libsql.Database> {
  return withDatabaseRetry(async () => connect(':memory:'));
}

/** Waits some seconds for the lock: the process before may be shutting down. */
async function openFile(directory: string): Promise<Libsql.Database> {
  try {
    const path = makeFile(directory);
    return await withDatabaseRetry(async () => connect(path));
  } catch (error) {
    throw isLocked(error) ? inUse(directory, error) : cannotOpen(directory, error);
  }
}

/** For this user only, because workflows may hold secrets. SQLite creates its other files with the mode of this one. */
function makeFile(directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'jobs.db');
  try {
    // Only a new file: closing one that is open elsewhere in this process would release its lock.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!isObject(error) || error.code !== 'EEXIST') throw error;
  }
  return path;
}

/**
 * No busy timeout, which would block the event loop. By `exec` only: a statement would keep the lock of a database that
 * failed to open.
 */
function connect(path: string): Libsql.Database {
  const LibsqlDatabase = loadLibsql();
  const database = new LibsqlDatabase(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = ON');
    database.exec('BEGIN IMMEDIATE; COMMIT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Loaded on use: it is native, and PostgreSQL does not need it. */
function loadLibsql(): typeof Libsql {
  return require('libsql') as typeof Libsql;
}

function isLocked(error: unknown): boolean {
  return error instanceof ComfyUIError && isObject(error.cause) && String(error.cause.code).startsWith('SQLITE_BUSY');
}

function inUse(directory: string, cause: unknown): ComfyUIError {
  const message = `The data folder ${directory} is in use by another process. Give each process its own, or keep jobs in PostgreSQL.`;
  return new ComfyUIError('storage_failed', message, { cause });
}

function cannotOpen(directory: string, error: unknown): ComfyUIError {
  const { message } = storageError(error);
  return new ComfyUIError('storage_failed', `${message} The data folder is ${directory}.`, { cause: error });
}

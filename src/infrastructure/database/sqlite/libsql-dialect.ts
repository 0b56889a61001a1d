import {
  type DatabaseConnection,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely';
import type Libsql from 'libsql';

/** Kysely's SQLite dialect on libsql, correct also when the disk is full. */
export class LibsqlDialect extends SqliteDialect {
  constructor(private readonly database: Libsql.Database) {
    super({ database: preparingOnce(database) });
  }

  override createDriver(): Driver {
    return new LibsqlDriver(this.database);
  }

  override createAdapter(): SqliteAdapter {
    return new LibsqlAdapter();
  }
}

/** The product has some dozens; only lists of unusual length add more. */
const STATEMENTS_KEPT = 200;

/** Prepares each statement once: preparing takes as long as running. */
function preparingOnce(database: Libsql.Database): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  const prepare = (sql: string): SqliteStatement => {
    const known = statements.get(sql);
    if (known) return known;
    if (statements.size >= STATEMENTS_KEPT) statements.clear();
    const statement = database.prepare(sql) as SqliteStatement;
    statements.set(sql, statement);
    return statement;
  };
  return { prepare, close: () => database.close() };
}

class LibsqlAdapter extends SqliteAdapter {
  /** SQLite supports it: a migration interrupted by a crash leaves nothing. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class LibsqlDriver extends SqliteDriver {
  constructor(private readonly database: Libsql.Database) {
    super({ database: preparingOnce(database) });
  }

  /** SQLite rolls back by itself when the disk is full; a second rollback would fail and hide the first error. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.database.inTransaction) await super.rollbackTransaction(connection);
  }

  /** After the transactions that have begun. */
  override async destroy(): Promise<void> {
    await this.acquireConnection();
    try {
      releaseLock(this.database);
      this.database.close();
    } finally {
      await this.releaseConnection();
    }
  }
}

/**
 * A closed libsql database keeps its lock until its statements are garbage collected, so the lock is released before:
 * the exclusive locking mode ends only together with the WAL.
 */
function releaseLock(database: Libsql.Database): void {
  try {
    database.exec('PRAGMA journal_mode = DELETE');
    database.exec('PRAGMA locking_mode = NORMAL');
    // The new mode applies from the next read on.
    database.exec('SELECT count(*) FROM sqlite_master');
  } catch {
    // The disk is full: the WAL stays, and the next process reads it.
  }
}

import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from './database';
import { type DatabaseOptions, openDatabase } from './open-database';

/** The database of an application: opened at its start, closed at its shutdown. */
export class DatabaseConnection implements OnApplicationShutdown {
  private constructor(readonly database: Database) {}

  /** @throws ComfyUIError `storage_failed` */
  static async open(options: DatabaseOptions): Promise<DatabaseConnection> {
    if (options.dataDirectory === undefined && options.databaseUrl === undefined)
      new Logger(DatabaseConnection.name).warn(
        'Jobs are kept in memory and are lost when the process ends: set dataDirectory or databaseUrl to keep them.',
      );
    return new DatabaseConnection(await openDatabase(options));
  }

  onApplicationShutdown(): Promise<void> {
    return this.database.close();
  }
}

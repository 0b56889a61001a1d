import {
  type AssetPage,
  type AssetQuery,
  AssetRepository,
  type UnusedFiles,
} from '../../application/assets/asset-repository';
import type { Asset } from '../../domain/asset';
import { isJobId } from '../job-id';
import { listAssets } from './asset-list';
import { selectAssets, toAsset } from './asset-rows';
import type { Database } from './database';
import { withDatabaseRetry } from './database-retry';
import { StoredFiles } from './stored-files';

export class KyselyAssetRepository extends AssetRepository {
  readonly #files: StoredFiles;

  constructor(private readonly database: Database) {
    super();
    this.#files = new StoredFiles(database);
  }

  async find(id: string): Promise<Asset | undefined> {
    if (!isJobId(id)) return undefined;
    const query = selectAssets(this.database.kysely).where('assets.id', '=', id);
    return withDatabaseRetry(async () => {
      const row = await query.executeTakeFirst();
      return row && toAsset(row);
    });
  }

  list(query: AssetQuery): Promise<AssetPage> {
    return withDatabaseRetry(() => listAssets(this.database, query));
  }

  /** The row of its file stays: by it the removal of files finds bytes without an asset. */
  async remove(id: string): Promise<boolean> {
    if (!isJobId(id)) return false;
    const query = this.database.kysely.deleteFrom('assets').where('id', '=', id);
    return withDatabaseRetry(async (isRetry) => (await query.executeTakeFirst()).numDeletedRows > 0n || isRetry);
  }

  claimFile(sha256: string, now: number): Promise<'new' | 'known' | 'leaving'> {
    return withDatabaseRetry(() => this.#files.claim(sha256, now));
  }

  takeUnusedFiles(now: number, after: string): Promise<UnusedFiles> {
    return withDatabaseRetry(() => this.#files.takeUnused(now, after));
  }

  fileRemoved(sha256: string): Promise<void> {
    return withDatabaseRetry(() => this.#files.removed(sha256));
  }
}

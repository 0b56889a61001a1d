import { type AssetPage, type AssetQuery, AssetRepository } from '../../application/assets/asset-repository';
import type { Asset } from '../../domain/asset';
import { selectAssets, toAsset } from './asset-rows';
import type { Database } from './database';
import { isJobId } from '../job-id';
import { listAssets } from './list-assets';
import { stored } from './database-retry';

export class KyselyAssetRepository extends AssetRepository {
  constructor(private readonly database: Database) {
    super();
  }

  async find(id: string): Promise<Asset | undefined> {
    if (!isJobId(id)) return undefined;
    const query = selectAssets(this.database.kysely).where('assets.id', '=', id);
    return stored(async () => {
      const row = await query.executeTakeFirst();
      return row && toAsset(row);
    });
  }

  list(query: AssetQuery): Promise<AssetPage> {
    return stored(() => listAssets(this.database, query));
  }

  /** The row of its file stays: who clears away finds by it that nothing has these bytes any more. */
  async remove(id: string): Promise<boolean> {
    if (!isJobId(id)) return false;
    const query = this.database.kysely.deleteFrom('assets').where('id', '=', id);
    return stored(async (isRetry) => (await query.executeTakeFirst()).numDeletedRows > 0n || isRetry);
  }
}

import type { ExpressionBuilder, Kysely } from 'kysely';
import { StoredFiles, STORING_MS, type UnusedFiles } from '../../application/assets/stored-files';
import type { Database } from './database';
import { PreparedQuery, type Placeholders } from './prepared-query';
import { stored } from './database-retry';
import type { Tables } from './tables';

/** A look at so many takes about a millisecond; the embedded database lets the process wait for it. */
const LOOKED_AT_ONCE = 1_000;
/** What a process that was killed was about to remove is taken up by another after so long. */
const REMOVING_MS = 60_000;

export class KyselyStoredFiles extends StoredFiles {
  readonly #find = new PreparedQuery(findFile);

  constructor(private readonly database: Database) {
    super();
  }

  /**
   * Writes nothing for a file that is new, or was stored lately: those are not removed. So most files cost a look, and no
   * wait for the disk.
   */
  claim(sha256: string, now: number): Promise<'new' | 'known' | 'leaving'> {
    return stored(async () => {
      const [file] = (await this.#find.run(this.database.statements, { sha256 })).rows;
      if (!file) return 'new';
      if (file.removing_at !== null) return 'leaving';
      const isKept = file.stored_at > now - STORING_MS / 2 || (await this.#touch(sha256, now));
      return isKept ? 'known' : 'leaving';
    });
  }

  takeUnused(now: number, after: string): Promise<UnusedFiles> {
    return stored(async () => {
      const { kysely } = this.database;
      const page = await kysely
        .selectFrom('files')
        .select((file) => ['sha256', file.exists(assetsOf(file)).as('isUsed')])
        .where('sha256', '>', after)
        .orderBy('sha256')
        .limit(LOOKED_AT_ONCE)
        .execute();
      const unused = page.flatMap(({ sha256, isUsed }) => (isUsed ? [] : [sha256]));
      const last = page.length === LOOKED_AT_ONCE ? (page.at(-1)?.sha256 ?? null) : null;
      return { unused: unused.length > 0 ? await this.#take(unused, now) : [], last };
    });
  }

  /** Those of them that are still unused, and not in anybody's hands. */
  async #take(unused: readonly string[], now: number): Promise<string[]> {
    const taken = await this.database.kysely
      .updateTable('files')
      .set({ removing_at: now })
      .where('sha256', 'in', unused)
      .where('stored_at', '<', now - STORING_MS)
      .where((free) => free.or([free('removing_at', 'is', null), free('removing_at', '<', now - REMOVING_MS)]))
      .where((file) => file.not(file.exists(assetsOf(file))))
      .returning('sha256')
      .execute();
    return taken.map(({ sha256 }) => sha256);
  }

  async removed(sha256: string): Promise<void> {
    const query = this.database.kysely.deleteFrom('files').where('sha256', '=', sha256);
    await stored(() => query.where('removing_at', 'is not', null).execute());
  }

  async #touch(sha256: string, now: number): Promise<boolean> {
    const query = this.database.kysely.updateTable('files').set({ stored_at: now }).where('sha256', '=', sha256);
    return (await query.where('removing_at', 'is', null).executeTakeFirst()).numUpdatedRows > 0n;
  }
}

function assetsOf(file: ExpressionBuilder<Tables, 'files'>) {
  return file.selectFrom('assets').select('id').whereRef('assets.sha256', '=', 'files.sha256');
}

function findFile(kysely: Kysely<Tables>, { sha256 }: Placeholders<{ readonly sha256: string }>) {
  return kysely.selectFrom('files').select(['stored_at', 'removing_at']).where('sha256', '=', sha256);
}

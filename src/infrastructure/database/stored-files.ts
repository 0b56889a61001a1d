import type { ExpressionBuilder, Kysely } from 'kysely';
import { STORING_MS, type UnusedFiles } from '../../application/assets/asset-repository';
import type { Database } from './database';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Tables } from './tables';

/** A page takes about a millisecond; the embedded database blocks the process for that long. */
const PAGE = 1_000;
/** After so long another process takes up the removal that a killed process began. */
const REMOVING_MS = 60_000;

/** The rows of the files in the storage. */
export class StoredFiles {
  readonly #find = new PreparedQuery(findFile);

  constructor(private readonly database: Database) {}

  /**
   * Writes nothing for a file that is new, or was stored lately, because those are not removed: so most claims cost a read, and
   * no wait for the disk.
   */
  async claim(sha256: string, now: number): Promise<'new' | 'known' | 'leaving'> {
    const [file] = (await this.#find.run(this.database.statements, { sha256 })).rows;
    if (!file) return 'new';
    if (file.removing_at !== null) return 'leaving';
    const isKept = file.stored_at > now - STORING_MS / 2 || (await this.#touch(sha256, now));
    return isKept ? 'known' : 'leaving';
  }

  async takeUnused(now: number, after: string): Promise<UnusedFiles> {
    const page = await this.database.kysely
      .selectFrom('files')
      .select((file) => ['sha256', file.exists(assetsOf(file)).as('isUsed')])
      .where('sha256', '>', after)
      .orderBy('sha256')
      .limit(PAGE)
      .execute();
    const unused = page.flatMap(({ sha256, isUsed }) => (isUsed ? [] : [sha256]));
    const last = page.length === PAGE ? (page.at(-1)?.sha256 ?? null) : null;
    return { unused: unused.length > 0 ? await this.#take(unused, now) : [], last };
  }

  async removed(sha256: string): Promise<void> {
    const query = this.database.kysely.deleteFrom('files').where('sha256', '=', sha256);
    await query.where('removing_at', 'is not', null).execute();
  }

  /** Those of them that are still unused, and neither being stored nor being removed. */
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

import { isObject } from '../shared/json';
import { Check, NumberFromZero, Text } from './checks';
import { MIB, Setting } from './setting';
import { isOwnStorage, type OwnStorage, STORAGE_KINDS, storageClassOf, type StorageOptions } from './storage.options';
import { type SupabaseTableOptions, SupabaseTableSettings } from './supabase.options';

/** Where output files and the rows about them are kept. */
export class FileSettings {
  /**
   * Where output files are kept: `local` (in `dataDirectory`), `s3` or `supabase`. The option is an object with this `kind` and
   * the settings of that storage, or an instance of an `AssetStorage` of the application.
   * @defaultValue `supabase` in the service when a Supabase project is set, else `local`
   */
  @Setting('STORAGE', { nested: storageClassOf })
  @Check((storage) => (isOwnStorage(storage) || storageClassOf(storage) ? undefined : STORAGE_PROBLEM))
  storage: StorageOptions | OwnStorage = { kind: 'local' };

  /** A table of a Supabase project that gets a row for each ended job; the service uses it when a Supabase project is set. */
  @Setting(undefined, { nested: () => SupabaseTableSettings })
  @Check((table) => (isObject(table) ? undefined : 'must be an object with a url and a key'))
  supabaseTable?: SupabaseTableOptions;

  /** `http(s)://host[:port][/path]` of the HTTP API for its callers; links to files start with it. Without it they are paths. */
  @Setting('PUBLIC_URL')
  @Check(publicUrlProblem)
  publicUrl?: string;

  /**
   * Folder for large files until the caller reads them.
   * @defaultValue `spool` in `dataDirectory`, else the temporary folder of the system
   */
  @Setting('SPOOL_DIR')
  @Text()
  spoolDirectory?: string;

  /** Memory that small files share before they go to disk: MiB in the variable, bytes in the option. */
  @Setting('SPOOL_MEMORY_MIB', { factor: MIB })
  @NumberFromZero()
  spoolMemory: number = 32 * MIB;
}

const STORAGE_PROBLEM = `must be an object whose kind is one of ${STORAGE_KINDS.join(', ')}, or an AssetStorage`;

function publicUrlProblem(publicUrl: unknown): string | undefined {
  const url = typeof publicUrl === 'string' && URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash)
    return undefined;
  return 'must be http(s)://host[:port][/path], where callers reach these endpoints';
}

import { Check, Name, Needed, OneOf, PlainUrl, WholeNumber } from './checks';
import { type Given, Setting } from './setting';

const TEN_YEARS = 315_360_000;

/** A Supabase project, in the cloud or self-hosted. */
export class SupabaseProjectSettings {
  /** Address of a Supabase project: `https://<project>.supabase.co`, or that of a self-hosted one. */
  @Setting('SUPABASE_URL')
  @Needed(': {url} and {key} go together')
  @PlainUrl('must be the http(s):// address of the project, without credentials')
  readonly url!: string;

  /**
   * Secret key (`service_role`) of the project. A key with fewer rights needs policies: on the table, and on `storage.objects`
   * to select, insert, update and delete; without update, a file that two processes store at once can delay the next requests
   * for half a minute.
   */
  @Setting('SUPABASE_KEY')
  @Needed(': {url} and {key} go together')
  // The characters a header can carry: for others the client puts the whole key into its error.
  @Name(/^[\x21-\x7e]+$/, 'must be a key of the project, without spaces')
  readonly key!: string;
}

/** Supabase Storage. */
export class SupabaseStorageSettings extends SupabaseProjectSettings {
  /** Bucket; created when it does not exist and the key has the right to create it: private, or public with public links. */
  @Setting('SUPABASE_BUCKET')
  @Check(supabaseBucketProblem)
  readonly bucket: string = 'comfyui';

  /** `signed`: links work for some time, and the bucket can be private. `public`: links work for ever, and the bucket must be public. */
  @Setting('SUPABASE_LINKS')
  @OneOf(['signed', 'public'])
  readonly links: 'signed' | 'public' = 'signed';

  /** Seconds that a signed link works. */
  @Setting('SUPABASE_LINK_TTL')
  @WholeNumber(1, TEN_YEARS, 'of seconds')
  readonly linkSeconds: number = 3_600;
}

/** A table of a Supabase project that gets a row for each ended job; docs/supabase.sql creates it. */
export class SupabaseTableSettings extends SupabaseProjectSettings {
  /** Table that gets a row for each ended job; docs/supabase.sql creates it. */
  @Setting('SUPABASE_TABLE')
  @Name(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'must be a name of letters, digits and underscores')
  readonly table: string = 'generations';
}

export type SupabaseStorageOptions = Given<SupabaseStorageSettings, 'url' | 'key'>;
export type SupabaseTableOptions = Given<SupabaseTableSettings, 'url' | 'key'>;

/** `/object/<bucket>/...` would reach another route: src/http/routes/object of supabase/storage. */
const ROUTES = /^(public|authenticated|sign)$/;

function supabaseBucketProblem(bucket: unknown): string | undefined {
  if (typeof bucket !== 'string' || !/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/.test(bucket))
    return 'must be a name of letters, digits, dots, hyphens and underscores';
  return ROUTES.test(bucket)
    ? 'must not be "public", "authenticated" or "sign": Supabase has routes of these names'
    : undefined;
}

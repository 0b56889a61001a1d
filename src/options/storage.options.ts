import { OptionError } from './option-error';

/** AWS S3, or a server that speaks its protocol. Times in seconds. */
export interface S3StorageOptions {
  /** Made when it is not there and the key may do that. */
  readonly bucket: string;
  /** Default `us-east-1`, which servers other than AWS take as well; `auto` for Cloudflare R2. */
  readonly region?: string;
  /** `https://host[:port]` of a server other than AWS. */
  readonly endpoint?: string;
  /** Both or none; without them, what the SDK finds: its variables and files, or the role of the machine. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  /** The bucket in the path, not in the host name; default: when there is an endpoint. */
  readonly forcePathStyle?: boolean;
  /** What every key starts with, such as `comfyui/`; default nothing. */
  readonly prefix?: string;
  /** How long a link works, 604800 (a week) at most; default 3600. */
  readonly linkSeconds?: number;
}

/** Supabase Storage, in the cloud or self-hosted. Times in seconds. */
export interface SupabaseStorageOptions {
  /** `https://<project>.supabase.co`, or where a self-hosted one answers. */
  readonly url: string;
  /**
   * The secret key (`service_role`). A key with less needs policies on `storage.objects`: to select, insert, delete, and
   * update, without which a file that two processes store at once can hold up the next requests for half a minute.
   */
  readonly key: string;
  /** Default `comfyui`. Made when it is not there and the key may do that: private, or public with public links. */
  readonly bucket?: string;
  /**
   * `signed`, the default: a link works for `linkSeconds`, and the bucket can be private.
   * `public`: a link works for ever, for anybody, and the bucket must be public.
   */
  readonly links?: 'signed' | 'public';
  /** How long a signed link works; default 3600. */
  readonly linkSeconds?: number;
}

/** Where the files are kept that jobs made. */
export type StorageOptions =
  /** In a folder; default: `assets` in `dataDirectory`, without that a temporary one that goes with the process. */
  | { readonly kind: 'local'; readonly directory?: string }
  | ({ readonly kind: 's3' } & S3StorageOptions)
  | ({ readonly kind: 'supabase' } & SupabaseStorageOptions);

/** A table of a Supabase project that gets a row for each ended job; docs/supabase.sql makes it. */
export interface SupabaseTableOptions {
  /** `https://<project>.supabase.co`, or where a self-hosted one answers. */
  readonly url: string;
  /** The secret key (`service_role`); a key with less needs policies on the table. */
  readonly key: string;
  /** Default `generations`. */
  readonly table?: string;
}

const KINDS = ['local', 's3', 'supabase'];

/** @throws OptionError */
export function resolveStorage(storage: StorageOptions = { kind: 'local' }): StorageOptions {
  if (typeof storage !== 'object' || !KINDS.includes(storage.kind))
    throw new OptionError('storage', `must be an object whose kind is one of ${KINDS.join(', ')}`);
  const needed = { local: [], s3: ['bucket'], supabase: ['url', 'key'] }[storage.kind];
  const given = new Map<string, unknown>(Object.entries(storage));
  for (const name of needed)
    if (typeof given.get(name) !== 'string' || given.get(name) === '')
      throw new OptionError(`storage.${name}`, 'must be set');
  return storage;
}

/** @throws OptionError */
export function resolveTable(table: SupabaseTableOptions | undefined): Required<SupabaseTableOptions> | undefined {
  if (table === undefined) return undefined;
  for (const name of ['url', 'key'] as const)
    if (typeof table[name] !== 'string' || table[name] === '')
      throw new OptionError(`supabaseTable.${name}`, 'must be set');
  return { ...table, table: table.table ?? 'generations' };
}

/** @throws OptionError */
export function resolvePublicUrl(publicUrl: string | undefined): string | undefined {
  if (publicUrl === undefined) return undefined;
  const url = typeof publicUrl === 'string' && URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw new OptionError('publicUrl', 'must be http(s)://host[:port][/path], where callers reach these endpoints');
  return url.href.replace(/\/+$/, '');
}

import { StorageFault } from '../storage-fault';

/** Supabase Storage, in the cloud or self-hosted. Times in seconds. */
export interface SupabaseStorageOptions {
  /** `https://<project>.supabase.co`, or where a self-hosted one answers. */
  readonly url: string;
  /** The secret key (`service_role`); a key with less needs policies on `storage.objects`. */
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

export type ResolvedSupabaseOptions = Required<SupabaseStorageOptions>;

/** @throws StorageFault that names the setting, and never tells its value: it may be a secret in the wrong place */
export function resolveSupabaseOptions(options: SupabaseStorageOptions): ResolvedSupabaseOptions {
  const { key, bucket = 'comfyui', links = 'signed', linkSeconds = 3_600 } = options;
  // The characters a header can carry: a client that meets others tells the whole key in its error.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new StorageFault('SUPABASE_KEY must be a key of the project, without spaces.');
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(bucket))
    throw new StorageFault('SUPABASE_BUCKET must be a name of letters, digits, dots, hyphens and underscores.');
  if (!Number.isInteger(linkSeconds) || linkSeconds < 1 || linkSeconds > 315_360_000)
    throw new StorageFault('SUPABASE_LINK_TTL must be a whole number of seconds, ten years at most.');
  return { url: storageUrl(options.url), key, bucket, links, linkSeconds };
}

/** Where the project serves its storage. */
function storageUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new StorageFault('SUPABASE_URL must be the http(s):// address of the project, without credentials.');
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return base.endsWith('/storage/v1') ? base : `${base}/storage/v1`;
}

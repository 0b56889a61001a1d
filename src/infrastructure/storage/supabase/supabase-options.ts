import type { SupabaseStorageOptions } from '../../../options/storage.options';
import { supabaseApi } from '../../supabase-project';
import { StorageError } from '../storage-error';

/** `/object/<bucket>/...` would be taken for another route: src/http/routes/object of supabase/storage. */
const ROUTE_WORDS = /^(public|authenticated|sign)$/;

export type ResolvedSupabaseOptions = Required<SupabaseStorageOptions>;

/** @throws ComfyUIError `storage_failed` that names the setting, and never tells its value: it may be a secret in the wrong place */
export function resolveSupabaseOptions(options: SupabaseStorageOptions): ResolvedSupabaseOptions {
  const { bucket = 'comfyui', links = 'signed', linkSeconds = 3_600 } = options;
  if (!/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/.test(bucket))
    throw new StorageError('SUPABASE_BUCKET must be a name of letters, digits, dots, hyphens and underscores.');
  if (ROUTE_WORDS.test(bucket))
    throw new StorageError(
      'SUPABASE_BUCKET must not be "public", "authenticated" or "sign": Supabase has routes of these names.',
    );
  if (!Number.isInteger(linkSeconds) || linkSeconds < 1 || linkSeconds > 315_360_000)
    throw new StorageError('SUPABASE_LINK_TTL must be a whole number of seconds, ten years at most.');
  return { ...supabaseApi(options, 'storage/v1'), bucket, links, linkSeconds };
}

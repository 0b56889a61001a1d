import { ComfyUIError } from '../domain/errors';

/** A Supabase project, or one of the APIs it serves. */
export interface SupabaseProject {
  readonly url: string;
  readonly key: string;
}

/**
 * Where a project serves one of its APIs.
 * @throws ComfyUIError `storage_failed` that names the setting, and never tells its value: it may be a secret in the wrong place
 */
export function supabaseApi({ url, key }: SupabaseProject, api: 'storage/v1' | 'rest/v1'): SupabaseProject {
  // The characters a header can carry: a client that meets others tells the whole key in its error.
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new ComfyUIError('storage_failed', 'SUPABASE_KEY must be a key of the project, without spaces.');
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '')
    throw new ComfyUIError(
      'storage_failed',
      'SUPABASE_URL must be the http(s):// address of the project, without credentials.',
    );
  const base = `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
  return { url: base.endsWith(`/${api}`) ? base : `${base}/${api}`, key };
}

/** What the gateway and the API want to see; a secret key of the new kind must be the same in both. */
export function supabaseHeaders(key: string): Record<string, string> {
  return { apikey: key, authorization: `Bearer ${key}` };
}

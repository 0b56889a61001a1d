/** A Supabase project, or one of the APIs it serves. */
export interface SupabaseProject {
  readonly url: string;
  readonly key: string;
}

/** Address of one of the APIs of a project, and the key for it. */
export function supabaseApi({ url, key }: SupabaseProject, api: 'storage/v1' | 'rest/v1'): SupabaseProject {
  const { origin, pathname } = new URL(url);
  const base = `${origin}${pathname.replace(/\/+$/, '')}`;
  return { url: base.endsWith(`/${api}`) ? base : `${base}/${api}`, key };
}

/** The headers that the gateway and the API require; a secret key of the new kind must be the same in both. */
export function supabaseHeaders(key: string): Record<string, string> {
  return { apikey: key, authorization: `Bearer ${key}` };
}

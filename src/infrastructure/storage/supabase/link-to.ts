import type { LinkOptions } from '../../../application/assets/asset-storage';
import { addressOf, notFound } from '../address';
import { dataOf, type SupabaseConnection } from './supabase-connection';
import { SupabaseRefusal } from './supabase-errors';
import type { ResolvedSupabaseOptions } from './supabase-options';

interface Wanted {
  readonly sha256: string;
  readonly options: LinkOptions;
  readonly signal: AbortSignal;
}

/**
 * The type is the one the file was stored with (and HTML is served as plain text); a name is served only with what is to
 * be saved: Supabase knows no more.
 */
export function linkTo(
  connection: SupabaseConnection,
  { links, linkSeconds }: ResolvedSupabaseOptions,
  { sha256, options, signal }: Wanted,
): Promise<string> {
  return connection.run(async ({ files }) => {
    const path = addressOf(sha256);
    try {
      const link =
        links === 'public'
          ? files.getPublicUrl(path).data.publicUrl
          : dataOf(await files.createSignedUrl(path, linkSeconds)).signedUrl;
      return options.inline ? link : savedAs(link, options.filename);
    } catch (error) {
      throw error instanceof SupabaseRefusal && error.isFileMissing ? notFound(sha256) : error;
    }
  }, signal);
}

/** By hand: storage-js encodes the name of a signed link twice. */
function savedAs(link: string, filename: string): string {
  const url = new URL(link);
  url.searchParams.set('download', filename);
  return url.href;
}

import type { LinkOptions } from '../../../application/assets/asset-storage';
import { addressOf, notFound } from '../address';
import { dataOf, type SupabaseConnection } from './supabase-connection';
import { SupabaseRefusal } from './supabase-errors';
import type { ResolvedSupabaseOptions } from './supabase-options';

interface LinkRequest {
  readonly sha256: string;
  readonly options: LinkOptions;
  readonly signal: AbortSignal;
}

/**
 * The media type is that of the stored file (Supabase serves HTML as plain text); Supabase sends a file name only for
 * attachments.
 */
export function linkTo(
  connection: SupabaseConnection,
  { links, linkSeconds }: ResolvedSupabaseOptions,
  { sha256, options, signal }: LinkRequest,
): Promise<string> {
  return connection.run(async ({ files }) => {
    const path = addressOf(sha256);
    try {
      const link =
        links === 'public'
          ? files.getPublicUrl(path).data.publicUrl
          : dataOf(await files.createSignedUrl(path, linkSeconds)).signedUrl;
      return options.inline ? link : asAttachment(link, options.filename);
    } catch (error) {
      throw error instanceof SupabaseRefusal && error.isFileMissing ? notFound(sha256) : error;
    }
  }, signal);
}

/** Not with storage-js, which encodes the name of a signed link twice. */
function asAttachment(link: string, filename: string): string {
  const url = new URL(link);
  url.searchParams.set('download', filename);
  return url.href;
}

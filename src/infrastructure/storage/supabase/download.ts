import type { ByteRange } from '../../../application/assets/asset-storage';
import { addressOf, beyondEnd, notFound, rangeHeader } from '../address';
import type { SupabaseConnection } from './supabase-connection';
import { SupabaseRefusal } from './supabase-errors';
import type { ResolvedSupabaseOptions } from './supabase-options';

interface DownloadOptions {
  readonly sha256: string;
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/**
 * A direct GET to the endpoint that storage-js downloads from, because storage-js supports neither `Range` nor aborting a
 * download. The body of the response is not read yet.
 */
export async function download(
  connection: SupabaseConnection,
  { url, bucket }: ResolvedSupabaseOptions,
  { sha256, range, signal }: DownloadOptions,
): Promise<Response> {
  const headers = { ...connection.headers, 'accept-encoding': 'identity', ...(range && { range: rangeHeader(range) }) };
  return connection.run(async ({ fetch, files }) => {
    const path = addressOf(sha256);
    const response = await fetch(`${url}/object/authenticated/${bucket}/${path}`, { headers });
    if (response.ok && response.body) return response;
    const refusal = SupabaseRefusal.of(response.status, await response.json().catch(() => undefined));
    if (refusal.isFileMissing) throw notFound(sha256);
    if (range && (await isBeyondEnd(refusal, range, () => files.info(path)))) throw beyondEnd(range, refusal);
    throw refusal;
  }, signal);
}

/**
 * The status is 416 if the server stores files on disk. If it stores them in S3 it does not forward that refusal and answers
 * 500: then the size in its database decides.
 */
async function isBeyondEnd(
  { status }: SupabaseRefusal,
  { start }: ByteRange,
  info: () => Promise<{ data: { readonly size?: number } | null }>,
): Promise<boolean> {
  if (status !== 500) return status === 416;
  const { size } = (await info()).data ?? {};
  return size !== undefined && start >= size;
}

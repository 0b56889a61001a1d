import type { ByteRange } from '../../../application/assets/asset-storage';
import { addressOf, beyondEnd, notFound, rangeHeader } from '../address';
import type { SupabaseConnection } from './supabase-connection';
import { SupabaseRefusal } from './supabase-errors';
import type { ResolvedSupabaseOptions } from './supabase-options';

interface Wanted {
  readonly sha256: string;
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/**
 * A GET of our own to the endpoint that storage-js downloads from: storage-js sends no `Range`, and has nothing that
 * ends a download. The answer's body is not read yet.
 */
export async function download(
  connection: SupabaseConnection,
  { url, bucket }: ResolvedSupabaseOptions,
  { sha256, range, signal }: Wanted,
): Promise<Response> {
  const headers = { ...connection.headers, 'accept-encoding': 'identity', ...(range && { range: rangeHeader(range) }) };
  return connection.run(async ({ fetch, files }) => {
    const path = addressOf(sha256);
    const answer = await fetch(`${url}/object/authenticated/${bucket}/${path}`, { headers });
    if (answer.ok && answer.body) return answer;
    const refusal = SupabaseRefusal.of(answer.status, await answer.json().catch(() => undefined));
    if (refusal.isFileMissing) throw notFound(sha256);
    if (range && (await isBeyondEnd(refusal, range, () => files.info(path)))) throw beyondEnd(range, refusal);
    throw refusal;
  }, signal);
}

/**
 * 416 when the server keeps its files on disk. When it keeps them in an S3, whose refusal it does not pass on, 500 like
 * any failure: then the size in its database tells.
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

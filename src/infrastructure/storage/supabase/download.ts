import type { ByteRange } from '../../../application/ports/asset-storage';
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
  return connection.run(async ({ fetch }) => {
    const answer = await fetch(`${url}/object/authenticated/${bucket}/${addressOf(sha256)}`, { headers });
    if (answer.ok && answer.body) return answer;
    const refusal = SupabaseRefusal.of(answer.status, await answer.json().catch(() => undefined));
    if (refusal.isFileMissing) throw notFound(sha256);
    if (refusal.status === 416) throw beyondEnd(range, refusal);
    throw refusal;
  }, signal);
}

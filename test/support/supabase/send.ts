import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { StoredObject } from './buckets';
import { refusals } from './refusals';

/** The storage of the real server (STORAGE_BACKEND), which decides its response to a range beyond the end. */
export type KeptIn = 'disk' | 's3';

export interface Sending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly keptIn: KeptIn;
  /** Null: inline. Empty: an attachment without a name. */
  readonly download: string | null;
  /** The expiry of a signed link. */
  readonly expires?: Date;
}

/** src/storage/renderer/renderer.ts */
export async function send(sending: Sending, { etag, path, size, type, ...object }: StoredObject): Promise<void> {
  const { request, response, keptIn, download, expires } = sending;
  const part = partOf(request.headers.range, size, keptIn);
  const { start, end } = part ?? { start: 0, end: size - 1 };
  response.writeHead(part ? 206 : 200, {
    'accept-ranges': 'bytes',
    'content-type': type.includes('text/html') ? 'text/plain' : type,
    'content-length': end - start + 1,
    etag,
    'last-modified': object.storedAt.toUTCString(),
    'x-robots-tag': 'none',
    ...(expires ? { expires: expires.toUTCString() } : { 'cache-control': object.cacheControl }),
    ...(part && { 'content-range': `bytes ${start}-${end}/${size}` }),
    ...(download !== null && { 'content-disposition': disposition(download) }),
  });
  if (size === 0 || request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(path, { start, end }), response).catch(() => undefined);
}

/** On disk src/storage/range.ts; S3 ignores an invalid range, and its refusal is reported like any failure. */
function partOf(range: string | undefined, size: number, keptIn: KeptIn): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  const isRange = first !== '' || last !== '';
  if (range === undefined || (!isRange && keptIn === 's3')) return undefined;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (isRange && start <= end) return { start, end };
  throw keptIn === 's3' ? refusals.internal() : refusals.range();
}

function disposition(download: string): string {
  const name = encodeURIComponent(download);
  return download === '' ? 'attachment;' : `attachment; filename=${name}; filename*=UTF-8''${name}`;
}

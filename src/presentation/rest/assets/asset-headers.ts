import type { IncomingHttpHeaders } from 'node:http';
import fresh from 'fresh';
import rangesOf from 'range-parser';
import { contentDisposition } from '../../../shared/content-disposition';
import type { ByteRange } from '../../../application/assets/asset-storage';
import { ComfyUIError } from '../../../domain/errors';

/** Names in lower case. */
export type Head = Readonly<Record<string, string>>;

/** Media types that browsers show without running code. All others are saved, above all HTML, SVG and XML. */
const INLINE = /^(?:image\/(?:png|apng|jpeg|webp|gif|avif|bmp)|video\/(?:mp4|webm|quicktime|ogg)|audio\/[a-z0-9.+-]+)$/;

/** The same for every response about the same bytes, 304 too. They never change; `private`, because callers may differ in access. */
export function validators(etag: string, createdAt: number): Head {
  return {
    etag,
    'last-modified': new Date(createdAt).toUTCString(),
    'cache-control': 'private, max-age=31536000, immutable',
  };
}

interface Content {
  readonly mediaType: string;
  readonly filename: string;
  /** To be saved, whatever its media type. */
  readonly isDownload: boolean;
}

/** Headers that keep browsers from running a file as a page of this service. */
export function contentHead({ mediaType, filename, isDownload }: Content): Head {
  const inline = !isDownload && INLINE.test(mediaType);
  return {
    'content-type': mediaType,
    'content-disposition': contentDisposition({ filename, inline }),
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  };
}

/**
 * Whether the caller has the bytes already. `Cache-Control: no-cache` addresses intermediate caches (RFC 9111, 5.2.1.4): `fetch`
 * adds it to every conditional request, for which `fresh` would then never return true.
 */
export function isUnchanged(request: IncomingHttpHeaders, head: Head): boolean {
  const { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince } = request;
  return fresh({ 'if-none-match': noneMatch, 'if-modified-since': modifiedSince }, head);
}

/**
 * The requested range of bytes; undefined: all of them, also for several ranges, and for a range of other bytes
 * (`If-Range`).
 * @throws ComfyUIError `range_not_satisfiable`
 */
export function readRange(request: IncomingHttpHeaders, head: Head, sizeBytes: number): ByteRange | undefined {
  if (request.range === undefined || !matchesRange(request['if-range'], head)) return undefined;
  const ranges = rangesOf(sizeBytes, withinFile(request.range, sizeBytes));
  if (ranges === -1) {
    const message = `The file has ${sizeBytes} bytes, and none of the requested range.`;
    throw new ComfyUIError('range_not_satisfiable', message);
  }
  const [range, another] = ranges === -2 || ranges.type !== 'bytes' ? [] : ranges;
  return another ? undefined : range;
}

/** A suffix longer than the file is all of it (RFC 9110, 14.1.2), which range-parser does not know. */
function withinFile(range: string, sizeBytes: number): string {
  const [, suffix] = /^bytes=\s*-(\d+)\s*$/.exec(range) ?? [];
  return suffix !== undefined && sizeBytes > 0 && Number(suffix) > sizeBytes ? 'bytes=0-' : range;
}

/** A weak tag never matches: ranges of one file must be identical byte for byte. */
function matchesRange(ifRange: string | string[] | undefined, head: Head): boolean {
  return ifRange === undefined || ifRange === head.etag || ifRange === head['last-modified'];
}

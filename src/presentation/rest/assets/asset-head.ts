import type { IncomingHttpHeaders } from 'node:http';
import fresh from 'fresh';
import rangesOf from 'range-parser';
import { contentDisposition } from '../../../shared/content-disposition';
import type { ByteRange } from '../../../application/assets/asset-storage';
import { ComfyUIError } from '../../../domain/errors';

/** Names in lower case. */
export type Head = Readonly<Record<string, string>>;

/** What browsers show without running anything of it. Whatever else comes is saved, above all HTML, SVG and XML. */
const SHOWN = /^(?:image\/(?:png|apng|jpeg|webp|gif|avif|bmp)|video\/(?:mp4|webm|quicktime|ogg)|audio\/[a-z0-9.+-]+)$/;

/** With every answer about the same bytes, 304 too. They never change; whether others may keep them is not ours to say. */
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
  /** To be saved, whatever it is. */
  readonly isDownload: boolean;
}

/** A file is nobody's page: it runs nothing here, whatever is in it. */
export function contentHead({ mediaType, filename, isDownload }: Content): Head {
  const inline = !isDownload && SHOWN.test(mediaType);
  return {
    'content-type': mediaType,
    'content-disposition': contentDisposition({ filename, inline }),
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  };
}

/**
 * Whether the caller has it already. `Cache-Control: no-cache` is for caches on the way (RFC 9111, 5.2.1.4): `fetch` adds it
 * to every condition, and `fresh` would answer none of them.
 */
export function isUnchanged(asked: IncomingHttpHeaders, head: Head): boolean {
  const { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince } = asked;
  return fresh({ 'if-none-match': noneMatch, 'if-modified-since': modifiedSince }, head);
}

/**
 * The one range of bytes that is asked for; undefined: all of them, also for several ranges, or a range of what is not
 * there any more (`If-Range`).
 * @throws ComfyUIError `range_not_satisfiable`
 */
export function readRange(asked: IncomingHttpHeaders, head: Head, sizeBytes: number): ByteRange | undefined {
  if (asked.range === undefined || !isOfThis(asked['if-range'], head)) return undefined;
  const ranges = rangesOf(sizeBytes, withinFile(asked.range, sizeBytes));
  if (ranges === -1) {
    const message = `The file has ${sizeBytes} bytes, and none of the range asked for.`;
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

/** A weak tag never matches: the parts have to fit to the byte. */
function isOfThis(ifRange: string | string[] | undefined, head: Head): boolean {
  return ifRange === undefined || ifRange === head.etag || ifRange === head['last-modified'];
}

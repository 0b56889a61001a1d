import { fileTypeFromBuffer } from 'file-type/core';
import { UNKNOWN_TYPE, type MediaHint } from './media-facts';
import { markupType, textOf, textType } from './sniff-text';

/** Enough to find a first tag in what is no clean text. */
const MARKUP_BYTES = 1024;
const LARGEST_SAFETENSORS_HEADER = 100_000_000;
/** Sizes of the header after `BM`: two letters alone prove nothing. */
const BITMAP_HEADERS = new Set([12, 16, 40, 52, 56, 64, 108, 124]);
/** Other names of the same thing. */
const SAME_AS: Readonly<Record<string, string>> = {
  'audio/x-m4a': 'audio/mp4',
  'video/x-m4v': 'video/mp4',
  'application/ogg': 'audio/ogg',
};
/** Kinds that file-type does not know, and those it wants to read more of than there may be: TIFF has its directory at the end. */
const SIGNATURES: readonly (readonly [prefix: string, mediaType: string])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['II*\0', 'image/tiff'],
  ['MM\0*', 'image/tiff'],
  ['RF64', 'audio/wav'],
  ['v/1\x01', 'image/x-exr'],
  ['#?RADIANCE\n', 'image/vnd.radiance'],
  ['\x93NUMPY', 'application/x-npy'],
  ['ply\nformat ', 'model/ply'],
  ['ply\r\nformat ', 'model/ply'],
];

/**
 * The media type of a file by its first bytes, without parameters. The hint settles only which kind of plain text it is.
 * `head` need not reach the end of the file, which is `sizeBytes` long.
 */
export async function sniff(head: Buffer, sizeBytes: number, hint: MediaHint): Promise<string> {
  if (head.length === 0) return UNKNOWN_TYPE;
  const text = textOf(head);
  if (text !== undefined) return textType(text, head.length === sizeBytes, hint);
  return tensorsOrMesh(head, sizeBytes) ?? (await byMagic(head)) ?? markup(head) ?? UNKNOWN_TYPE;
}

/** These begin with a number or with anything, which may look like the magic of another kind. */
function tensorsOrMesh(head: Buffer, sizeBytes: number): string | undefined {
  if (head.length < 10) return undefined;
  const headerBytes = head.readBigUInt64LE(0);
  const fits = headerBytes >= 2n && headerBytes <= Math.min(LARGEST_SAFETENSORS_HEADER, sizeBytes - 8);
  if (fits && /^\{\s*["}]/.test(head.toString('latin1', 8, 32))) return 'application/x-safetensors';
  const isMesh = head.length >= 84 && sizeBytes > 84 && sizeBytes === 84 + 50 * head.readUInt32LE(80);
  return isMesh ? 'model/stl' : undefined;
}

async function byMagic(head: Buffer): Promise<string | undefined> {
  const known = (await fileTypeOf(head)) ?? bySignature(head);
  if (known === 'image/bmp' && !(head.length >= 18 && BITMAP_HEADERS.has(head.readUInt32LE(14)))) return undefined;
  if (known === 'application/zip' && isUsdz(head)) return 'model/vnd.usdz+zip';
  return known;
}

async function fileTypeOf(head: Buffer): Promise<string | undefined> {
  try {
    const mime = (await fileTypeFromBuffer(head))?.mime.split(';')[0];
    return mime === undefined ? undefined : (SAME_AS[mime] ?? mime);
  } catch {
    return undefined;
  }
}

function bySignature(head: Buffer): string | undefined {
  const start = head.toString('latin1', 0, 16);
  return SIGNATURES.find(([prefix]) => start.startsWith(prefix))?.[1];
}

/** Its first file is the scene. */
function isUsdz(head: Buffer): boolean {
  if (head.length < 30) return false;
  return /\.usd[ac]?$/i.test(head.toString('latin1', 30, 30 + head.readUInt16LE(26)));
}

/** A browser runs markup with a stray byte in it if the declared type is HTML. */
function markup(head: Buffer): string | undefined {
  return markupType(head.toString('latin1', 0, MARKUP_BYTES).replace(/^\xef\xbb\xbf/, ''));
}

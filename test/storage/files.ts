import { createHash, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AssetStorage, FileToStore, Reading } from '../../src/application/assets/asset-storage';

export const MIB = 1024 * 1024;
/** Shared by all calls of a test, which Node would take for a leak. */
export const NEVER: AbortSignal = new AbortController().signal;
setMaxListeners(0, NEVER);

export type Pieces = () => Iterable<Buffer> | AsyncIterable<Buffer>;

export function fileOf(bytes: Buffer, mediaType = 'image/png'): FileToStore {
  return { sha256: sha256Of([bytes]), sizeBytes: bytes.length, mediaType, open: () => inPieces(bytes) };
}

export function randomFile(size: number): FileToStore & { readonly bytes: Buffer } {
  const bytes = randomBytes(size);
  return { ...fileOf(bytes), bytes };
}

/** The same file, but its source is this. */
export function broughtBy(file: FileToStore, pieces: Pieces): FileToStore {
  const { sha256, sizeBytes, mediaType } = file;
  return { sha256, sizeBytes, mediaType, open: () => Readable.from(pieces(), { objectMode: false }) };
}

export function inPieces(bytes: Buffer, size = 64 * 1024): Readable {
  const count = Math.ceil(bytes.length / size);
  const pieces = Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  return Readable.from(pieces, { objectMode: false });
}

/** A file that is nowhere whole: made anew, piece by piece, each time it is read. */
export function madeFile(size: number, onPiece: (bytes: number) => void): FileToStore {
  function* pieces(tell: (bytes: number) => void) {
    for (let at = 0; at < size; at += 64 * 1024) {
      const piece = Buffer.alloc(Math.min(64 * 1024, size - at));
      piece.writeUInt32LE(at / 1024, 0);
      tell(at);
      yield piece;
    }
  }
  const file = { sha256: sha256Of(pieces(() => undefined)), sizeBytes: size, mediaType: 'video/mp4' };
  return { ...file, open: () => Readable.from(pieces(onPiece), { objectMode: false }) };
}

export function sha256Of(pieces: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

export async function bytesOf(
  storage: AssetStorage,
  sha256: string,
  range?: Reading['range'],
): Promise<{ bytes: Buffer; sizeBytes: number }> {
  const { stream, sizeBytes } = await storage.open(sha256, { range, signal: NEVER });
  return { bytes: await buffer(stream), sizeBytes };
}

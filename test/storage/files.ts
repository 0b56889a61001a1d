import { createHash, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AssetStorage, FileToStore, Reading } from '../../src/application/assets/asset-storage';

export const MIB = 1024 * 1024;
/** Shared by all calls of a test: without a limit, because Node warns about many listeners. */
export const NEVER: AbortSignal = new AbortController().signal;
setMaxListeners(0, NEVER);

export type Chunks = () => Iterable<Buffer> | AsyncIterable<Buffer>;

export function fileOf(bytes: Buffer, mediaType = 'image/png'): FileToStore {
  return { sha256: sha256Of([bytes]), sizeBytes: bytes.length, mediaType, open: () => inChunks(bytes) };
}

export function randomFile(size: number): FileToStore & { readonly bytes: Buffer } {
  const bytes = randomBytes(size);
  return { ...fileOf(bytes), bytes };
}

/** The same file with another source. */
export function withSource(file: FileToStore, chunks: Chunks): FileToStore {
  const { sha256, sizeBytes, mediaType } = file;
  return { sha256, sizeBytes, mediaType, open: () => Readable.from(chunks(), { objectMode: false }) };
}

export function inChunks(bytes: Buffer, size = 64 * 1024): Readable {
  const count = Math.ceil(bytes.length / size);
  const chunks = Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  return Readable.from(chunks, { objectMode: false });
}

/** A file that is never completely in memory: every read generates its chunks. */
export function generatedFile(size: number, onChunk: (position: number) => void): FileToStore {
  function* chunks(report: (position: number) => void) {
    for (let at = 0; at < size; at += 64 * 1024) {
      const chunk = Buffer.alloc(Math.min(64 * 1024, size - at));
      chunk.writeUInt32LE(at / 1024, 0);
      report(at);
      yield chunk;
    }
  }
  const file = { sha256: sha256Of(chunks(() => undefined)), sizeBytes: size, mediaType: 'video/mp4' };
  return { ...file, open: () => Readable.from(chunks(onChunk), { objectMode: false }) };
}

export function sha256Of(chunks: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
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

import type { Readable } from 'node:stream';

/** Bytes in memory or in a temporary file, readable any number of times. */
export abstract class TempFile {
  abstract readonly sizeBytes: number;
  /** SHA-256 of the bytes, 64 hex digits. */
  abstract readonly sha256: string;
  /** The first bytes, enough to find the media type and the size of an image. */
  abstract readonly head: Buffer;
  /** All bytes, when they are in memory. */
  readonly bytes?: Buffer;
  /** Path of the file on disk; undefined when it is in memory. */
  readonly path?: string;
  abstract open(): Readable;
  /** Up to `length` bytes from `position` on: fewer at the end of the file, none after it. Rejects once it is discarded from disk. */
  abstract read(position: number, length: number): Promise<Buffer>;
  /** Frees memory and disk; an open reader still reads to the end. */
  abstract discard(): Promise<void>;
}

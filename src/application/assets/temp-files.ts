import type { Readable } from 'node:stream';

/** Bytes put aside, in memory or in a temporary file, to be read as often as needed. */
export abstract class TempFile {
  abstract readonly sizeBytes: number;
  /** Of the bytes, 64 hex digits. */
  abstract readonly sha256: string;
  /** The first bytes, enough to tell a media type and a picture's size. */
  abstract readonly head: Buffer;
  /** All of it, when it is in memory. */
  readonly bytes?: Buffer;
  /** Where it is on disk, for who can do without a stream; undefined when it is in memory. */
  readonly path?: string;
  abstract open(): Readable;
  /** Up to `length` bytes from `position` on: fewer at the end of the file, none after it. Rejects once it is discarded from disk. */
  abstract read(position: number, length: number): Promise<Buffer>;
  /** Gives memory and disk back; an open reader still reads to its end. */
  abstract discard(): Promise<void>;
}

/** Where output files wait between ComfyUI and the caller. */
export abstract class TempFiles {
  /**
   * Reads a stream to its end. Rejects with the stream's error, leaving nothing behind.
   * `expectedBytes` helps to choose the place; the stream may bring more or less.
   * @param sha256 of the bytes where it is known, which spares making it; taken as true
   */
  abstract write(
    source: AsyncIterable<Buffer> | Iterable<Buffer>,
    expectedBytes?: number,
    sha256?: string,
  ): Promise<TempFile>;
}

import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { TempFile } from './temp-file';

const READ_BYTES = 64 * 1024;
/** The chunk size of streams from memory, which limits the buffer of a slow reader. */
const CHUNK_BYTES = 256 * 1024;

export class FileInMemory extends TempFile {
  constructor(
    override readonly bytes: Buffer,
    readonly sha256: string,
    readonly head: Buffer,
    private readonly release: () => void,
  ) {
    super();
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  open(): Readable {
    return Readable.from(chunks(this.bytes), { objectMode: false });
  }

  async read(position: number, length: number): Promise<Buffer> {
    return this.bytes.subarray(position, position + length);
  }

  async discard(): Promise<void> {
    this.release();
  }
}

function* chunks(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield bytes.subarray(start, start + CHUNK_BYTES);
}

export class FileOnDisk extends TempFile {
  constructor(
    override readonly path: string,
    readonly sizeBytes: number,
    readonly sha256: string,
    readonly head: Buffer,
  ) {
    super();
  }

  open(): Readable {
    return createReadStream(this.path, { highWaterMark: READ_BYTES });
  }

  async read(position: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.sizeBytes - position));
    const file = await open(this.path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, position);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  discard(): Promise<void> {
    return rm(this.path, { force: true });
  }
}

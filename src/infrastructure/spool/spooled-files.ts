import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { SpooledFile } from '../../application/ports/spool';

const READ_BYTES = 64 * 1024;

/** Keeps the chunks as they came. */
export class FileInMemory extends SpooledFile {
  constructor(
    private readonly chunks: readonly Buffer[],
    readonly sizeBytes: number,
    readonly sha256: string,
    readonly head: Buffer,
    private readonly release: () => void,
  ) {
    super();
  }

  open(): Readable {
    return Readable.from(this.chunks, { objectMode: false });
  }

  async read(position: number, length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let start = 0;
    for (const chunk of this.chunks) {
      const piece = chunk.subarray(Math.max(0, position - start), Math.max(0, position + length - start));
      if (piece.length > 0) pieces.push(piece);
      start += chunk.length;
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  }

  async discard(): Promise<void> {
    this.release();
  }
}

export class FileOnDisk extends SpooledFile {
  constructor(
    private readonly path: string,
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

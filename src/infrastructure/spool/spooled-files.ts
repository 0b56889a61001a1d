import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { SpooledFile } from '../../application/ports/spool';

const READ_BYTES = 64 * 1024;

/** Keeps the chunks as they came. */
export class FileInMemory extends SpooledFile {
  constructor(
    private readonly chunks: readonly Buffer[],
    readonly sizeBytes: number,
    readonly head: Buffer,
    private readonly release: () => void,
  ) {
    super();
  }

  open(): Readable {
    return Readable.from(this.chunks, { objectMode: false });
  }

  async discard(): Promise<void> {
    this.release();
  }
}

export class FileOnDisk extends SpooledFile {
  constructor(
    private readonly path: string,
    readonly sizeBytes: number,
    readonly head: Buffer,
  ) {
    super();
  }

  open(): Readable {
    return createReadStream(this.path, { highWaterMark: READ_BYTES });
  }

  discard(): Promise<void> {
    return rm(this.path, { force: true });
  }
}

import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { SpooledFile } from '../../application/ports/spool';

const READ_BYTES = 64 * 1024;

export class FileInMemory extends SpooledFile {
  readonly sizeBytes: number;

  constructor(
    readonly head: Buffer,
    private readonly release: () => void,
  ) {
    super();
    this.sizeBytes = head.length;
  }

  open(): Readable {
    return Readable.from([this.head], { objectMode: false });
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

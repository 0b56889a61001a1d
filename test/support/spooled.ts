import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { TempFile } from '../../src/application/assets/temp-files';
import { FileInMemory } from '../../src/infrastructure/temp-files/stored-temp-files';
import { TemporaryFiles } from '../../src/infrastructure/temp-files/temporary-files';

const HEAD_BYTES = 64 * 1024;
const tempFiles = new TemporaryFiles({ memory: 1024 * 1024 * 1024 });

/** As it comes from the spool. */
export function tempFile(bytes: Buffer): Promise<TempFile> {
  return tempFiles.write(Readable.from(bytes.length > 0 ? [bytes] : []));
}

/** Counts what is read beyond the head. */
export class WatchedFile extends FileInMemory {
  reads = 0;

  constructor(bytes: Buffer) {
    super(bytes, createHash('sha256').update(bytes).digest('hex'), bytes.subarray(0, HEAD_BYTES), () => undefined);
  }

  override read(position: number, length: number): Promise<Buffer> {
    this.reads += 1;
    return super.read(position, length);
  }
}

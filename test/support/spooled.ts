import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { FileInMemory } from '../../src/shared/temp-files/stored-temp-files';
import type { TempFile } from '../../src/shared/temp-files/temp-file';
import { TempFiles } from '../../src/shared/temp-files/temp-files';

const HEAD_BYTES = 64 * 1024;
const tempFiles = new TempFiles({ memory: 1024 * 1024 * 1024 });

/** A temp file of the product. */
export function tempFile(bytes: Buffer): Promise<TempFile> {
  return tempFiles.write(Readable.from(bytes.length > 0 ? [bytes] : []));
}

/** Counts reads beyond the head. */
export class CountingFile extends FileInMemory {
  reads = 0;

  constructor(bytes: Buffer) {
    super(bytes, createHash('sha256').update(bytes).digest('hex'), bytes.subarray(0, HEAD_BYTES), () => undefined);
  }

  override read(position: number, length: number): Promise<Buffer> {
    this.reads += 1;
    return super.read(position, length);
  }
}

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { SpooledFile } from '../../src/application/ports/spool';
import { FileInMemory } from '../../src/infrastructure/spool/spooled-files';
import { TemporarySpool } from '../../src/infrastructure/spool/temporary-spool';

const HEAD_BYTES = 64 * 1024;
const spool = new TemporarySpool({ memory: 1024 * 1024 * 1024 });

/** As it comes from the spool. */
export function spooled(bytes: Buffer): Promise<SpooledFile> {
  return spool.write(Readable.from(bytes.length > 0 ? [bytes] : []));
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

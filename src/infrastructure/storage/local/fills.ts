import { constants } from 'node:fs';
import { type FileHandle, link, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { letGo } from './folder';
import type { Fill } from './halves';
import { codeOf } from './local-errors';

const WRITE_BYTES = 2 * 1024 * 1024;
const OWNER_ONLY = 0o600;
const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
const NEW = O_WRONLY | O_CREAT | O_EXCL;
/** On Linux a write can be one with its way to the disk; elsewhere that means less than it says. */
const IS_DSYNC = process.platform === 'linux';

/** Each call is a trip to another thread and back, which for a small file takes longer than the writing. */
export function fromMemory(bytes: Buffer): Fill {
  return async (path) => {
    const handle = await open(path, IS_DSYNC ? NEW | O_DSYNC : NEW, OWNER_ONLY);
    try {
      await writeAll(handle, [bytes]);
      if (!IS_DSYNC) await handle.sync();
    } finally {
      if (IS_DSYNC) letGo(handle);
      else await handle.close();
    }
  };
}

/** Another name for what is on this disk already, which costs nothing. */
export function fromFile(source: string): Fill {
  return async (path) => {
    await link(source, path);
    const handle = await open(path, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
}

/** Another disk, or one that has no second names. */
export function canNotLink(error: unknown): boolean {
  return /^(EXDEV|EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|ENOENT)$/.test(codeOf(error));
}

/** Read once: a fill that is repeated has read nothing. */
export function fromStream(bytes: Readable): Fill {
  return async (path) => {
    const handle = await open(path, NEW, OWNER_ONLY);
    try {
      for await (const pieces of together(bytes)) await writeAll(handle, pieces);
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
}

async function* together(bytes: Readable): AsyncGenerator<Buffer[], void, undefined> {
  let pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of bytes as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size < WRITE_BYTES) continue;
    yield pieces;
    [pieces, size] = [[], 0];
  }
  if (size > 0) yield pieces;
}

/** A disk that is nearly full may take a part of it. */
async function writeAll(handle: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await handle.writev(pieces);
  if (bytesWritten < size) await handle.writeFile(Buffer.concat(pieces).subarray(bytesWritten));
}

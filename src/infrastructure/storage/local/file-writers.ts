import { constants } from 'node:fs';
import { link } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { syncFile, withFile, writeAll } from './descriptors';
import type { Fill } from './partial-uploads';
import { codeOf } from './local-errors';

const WRITE_BYTES = 2 * 1024 * 1024;
const OWNER_ONLY = 0o600;
const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
const NEW = O_WRONLY | O_CREAT | O_EXCL;
/** On Linux a write can be one with its way to the disk; elsewhere that means less than it says. */
const IS_DSYNC = process.platform === 'linux';

/** Each call is a trip to another thread and back, which for a small file takes longer than the writing. */
export function fromMemory(bytes: Buffer): Fill {
  const flags = IS_DSYNC ? NEW | O_DSYNC : NEW;
  return (path) =>
    withFile(path, { flags, mode: OWNER_ONLY }, async (file) => {
      await writeAll(file, [bytes]);
      if (!IS_DSYNC) await syncFile(file);
    });
}

/** Another name for what is on this disk already, which costs nothing. */
export function fromFile(source: string): Fill {
  return async (path) => {
    await link(source, path);
    await withFile(path, { flags: 'r+' }, syncFile);
  };
}

/** Another disk, or one that has no second names. */
export function canNotLink(error: unknown): boolean {
  return /^(EXDEV|EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|ENOENT)$/.test(codeOf(error));
}

/** Read once: a fill that is repeated has read nothing. */
export function fromStream(bytes: Readable): Fill {
  return (path) =>
    withFile(path, { flags: NEW, mode: OWNER_ONLY }, async (file) => {
      for await (const pieces of together(bytes)) await writeAll(file, pieces);
      await syncFile(file);
    });
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

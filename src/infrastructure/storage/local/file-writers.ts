import { constants } from 'node:fs';
import { link } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { syncFile, withFile, writeAll } from './descriptors';
import type { FileWriter } from './partial-uploads';
import { codeOf } from './local-errors';

const WRITE_BYTES = 2 * 1024 * 1024;
const OWNER_ONLY = 0o600;
const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
const NEW = O_WRONLY | O_CREAT | O_EXCL;
/** Only on Linux does `O_DSYNC` make each write durable. */
const IS_DSYNC = process.platform === 'linux';

/** Uses as few system calls as possible: each runs in another thread, which takes longer than writing a small file. */
export function fromMemory(bytes: Buffer): FileWriter {
  const flags = IS_DSYNC ? NEW | O_DSYNC : NEW;
  return (path) =>
    withFile(path, { flags, mode: OWNER_ONLY }, async (file) => {
      await writeAll(file, [bytes]);
      if (!IS_DSYNC) await syncFile(file);
    });
}

/** Creates a hard link to a file on the same disk, without copying. */
export function fromFile(source: string): FileWriter {
  return async (path) => {
    await link(source, path);
    await withFile(path, { flags: 'r+' }, syncFile);
  };
}

/** Whether the file is on another disk or its file system has no hard links. */
export function isLinkUnsupported(error: unknown): boolean {
  return /^(EXDEV|EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|ENOENT)$/.test(codeOf(error));
}

/** The stream is consumed by the first successful open: a repeated call has not read anything yet. */
export function fromStream(bytes: Readable): FileWriter {
  return (path) =>
    withFile(path, { flags: NEW, mode: OWNER_ONLY }, async (file) => {
      for await (const chunks of batched(bytes)) await writeAll(file, chunks);
      await syncFile(file);
    });
}

async function* batched(bytes: Readable): AsyncGenerator<Buffer[], void, undefined> {
  let batch: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    batch.push(chunk);
    size += chunk.length;
    if (size < WRITE_BYTES) continue;
    yield batch;
    [batch, size] = [[], 0];
  }
  if (size > 0) yield batch;
}

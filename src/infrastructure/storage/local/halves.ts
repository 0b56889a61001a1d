import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Folder, syncFolder } from './folder';
import { codeOf } from './local-errors';

const FORGOTTEN_MS = 24 * 60 * 60 * 1000;

/** Writes a file beside the finished ones, in the same file system, and renames it when it is on the disk: all or nothing. */
export async function writeWhole(folder: Folder, path: string, bytes: Readable): Promise<void> {
  const half = join(await halvesOf(await folder.root()), randomUUID());
  try {
    await writeNew(half, bytes);
    await folder.makeAbove(path);
    await rename(half, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
}

/** Removes what a process that was killed left behind. @param all also what may still grow, in another process's hands */
export async function removeHalves(root: string, all: boolean): Promise<void> {
  const folder = await halvesOf(root);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (all || (await isForgotten(path))) await rm(path, { force: true, recursive: true });
  }
}

async function writeNew(path: string, bytes: Readable): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    for await (const piece of bytes as AsyncIterable<Buffer>) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isForgotten(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > FORGOTTEN_MS;
}

async function halvesOf(root: string): Promise<string> {
  const folder = join(root, 'incoming');
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return folder;
}

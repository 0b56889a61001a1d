import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Folder } from './folder';
import { codeOf } from './local-errors';

const HALVES = 'incoming';
const FORGOTTEN_MS = 24 * 60 * 60 * 1000;

/** Makes a new file at a path, all of it on the disk. */
export type Fill = (path: string) => Promise<void>;

/**
 * Makes a file beside the finished ones, in the same file system, and renames it when it is on the disk: all or nothing.
 * In as few steps as that takes: each is a trip to another thread and back.
 */
export async function writeWhole(folder: Folder, path: string, fill: Fill): Promise<void> {
  const half = join(await folder.root(), HALVES, randomUUID());
  try {
    await folder.makeFor(path);
    await inFolder(half, fill);
    await rename(half, path);
    await folder.syncFor(path);
  } catch (error) {
    folder.distrust();
    await rm(half, { force: true });
    throw error;
  }
}

/** Removes what a process that was killed left behind. @param all also what may still grow, in another process's hands */
export async function removeHalves(root: string, all: boolean): Promise<void> {
  const folder = join(root, HALVES);
  await makeFolder(folder);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (all || (await isForgotten(path))) await rm(path, { force: true, recursive: true });
  }
}

/** The folder is there but for the first time: it is made when it is missed. */
async function inFolder(path: string, fill: Fill): Promise<void> {
  try {
    await fill(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    await fill(path);
  }
}

async function isForgotten(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > FORGOTTEN_MS;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

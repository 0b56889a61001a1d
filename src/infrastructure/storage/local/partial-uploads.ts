import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Folder } from './folder';
import { codeOf } from './local-errors';

const PARTIAL_UPLOADS = 'incoming';
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Creates a new file at a path and syncs it. */
export type FileWriter = (path: string) => Promise<void>;

/**
 * Creates a file in the folder of partial uploads, on the same file system, and renames it once it is synced. Uses as few
 * calls as possible: each runs in another thread.
 */
export async function writeAtomically(folder: Folder, path: string, writer: FileWriter): Promise<void> {
  const partial = join(await folder.root(), PARTIAL_UPLOADS, randomUUID());
  try {
    await folder.createFor(path);
    await writePartial(partial, writer);
    await rename(partial, path);
    await folder.syncFor(path);
  } catch (error) {
    folder.resetChecks();
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * Removes the partial uploads of killed processes.
 * @param all also the recent ones, which another process may still write
 */
export async function removePartialUploads(root: string, all: boolean): Promise<void> {
  const folder = join(root, PARTIAL_UPLOADS);
  await createFolder(folder);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (all || (await isAbandoned(path))) await rm(path, { force: true, recursive: true });
  }
}

/** Creates the folder only if it is missing, which saves a call per file. */
async function writePartial(path: string, writer: FileWriter): Promise<void> {
  try {
    await writer(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await createFolder(dirname(path));
    await writer(path);
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_MS;
}

async function createFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

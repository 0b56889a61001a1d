import { closeSync, constants, fsync, open, openSync, writeFile, writev } from 'node:fs';
import { promisify } from 'node:util';

/** As of `node:fs/promises`, with plain numbers: those can be closed at once, which is far quicker than in another thread. */
const openFile = promisify(open);
const writeVector = promisify(writev);
const writeRest = promisify(writeFile);

export function syncFile(file: number): Promise<void> {
  return new Promise((done, failed) => {
    fsync(file, (error) => (error ? failed(error) : done()));
  });
}

/**
 * What was named or unnamed in it lasts then. It is opened at once: the system has it at hand, as something was just done in
 * it, and a trip to another thread takes far longer.
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = openSync(path, constants.O_RDONLY);
  try {
    await syncFile(folder);
  } finally {
    letGo(folder);
  }
}

/** All of it: a disk that is nearly full may take a part of it first. */
export async function writeAll(file: number, pieces: readonly Buffer[]): Promise<void> {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await writeVector(file, pieces);
  if (bytesWritten < size) await writeRest(file, Buffer.concat(pieces).subarray(bytesWritten));
}

/** Closes it at once. What counts was synced before, so it does not matter whether the system minds. */
function letGo(file: number): void {
  try {
    closeSync(file);
  } catch {
    // It is closed all the same.
  }
}

/** Opens a file for as long as it is used; what counts is to be synced by then. */
export async function withFile<T>(
  path: string,
  { flags, mode }: { readonly flags: number | string; readonly mode?: number },
  use: (file: number) => Promise<T>,
): Promise<T> {
  const file = await openFile(path, flags, mode);
  try {
    return await use(file);
  } finally {
    letGo(file);
  }
}

import { closeSync, constants, fsync, open, openSync, writeFile, writev } from 'node:fs';
import { promisify } from 'node:util';

/** Plain descriptors instead of `node:fs/promises`: closing them synchronously is far faster than in another thread. */
const openFile = promisify(open);
const writeVector = promisify(writev);
const writeRest = promisify(writeFile);

export function syncFile(file: number): Promise<void> {
  return new Promise((done, failed) => {
    fsync(file, (error) => (error ? failed(error) : done()));
  });
}

/**
 * Makes created and removed names in a folder durable. Opens it synchronously: the system has it cached after the previous
 * operation, and a call in another thread takes far longer.
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = openSync(path, constants.O_RDONLY);
  try {
    await syncFile(folder);
  } finally {
    closeQuietly(folder);
  }
}

/** Writes all bytes: on a nearly full disk the first call may write only a part. */
export async function writeAll(file: number, chunks: readonly Buffer[]): Promise<void> {
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await writeVector(file, chunks);
  if (bytesWritten < size) await writeRest(file, Buffer.concat(chunks).subarray(bytesWritten));
}

/** Closes synchronously. The data was synced before, so an error has no effect. */
function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // The descriptor is closed even if the system reports an error.
  }
}

/** Opens a file while `use` runs, which must sync the data. */
export async function withFile<T>(
  path: string,
  { flags, mode }: { readonly flags: number | string; readonly mode?: number },
  use: (file: number) => Promise<T>,
): Promise<T> {
  const file = await openFile(path, flags, mode);
  try {
    return await use(file);
  } finally {
    closeQuietly(file);
  }
}

import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AssetStorage } from '../../application/assets/asset-storage';
import { StorageError } from './storage-error';

/**
 * Stores, reads and removes a unique file, and so checks every permission that the storage needs.
 * @param checkStored an additional check while the file is stored
 */
export async function probe(
  storage: AssetStorage,
  signal: AbortSignal,
  checkStored: (sha256: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const bytes = Buffer.from(`A file that nestjs-comfyui checks the storage with: ${randomUUID()}\n`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const open = () => Readable.from([bytes], { objectMode: false });
  await storage.put({ sha256, sizeBytes: bytes.length, mediaType: 'text/plain', open }, signal);
  try {
    const { stream } = await storage.open(sha256, { signal });
    if (!(await buffer(stream)).equals(bytes))
      throw new StorageError('The file storage returns other bytes than stored.');
    await checkStored(sha256);
  } catch (error) {
    await storage.remove(sha256, signal).catch(() => undefined);
    throw error;
  }
  await storage.remove(sha256, signal);
}

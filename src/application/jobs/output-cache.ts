import { ComfyUIError } from '../../domain/errors';
import type { CollectedFile } from '../../domain/job/job';
import type { TempFile } from '../../shared/temp-files/temp-file';

/** The bytes of a job's files, by asset id, while a caller of this process needs them. */
export class OutputCache {
  /** Created for the first file: most jobs that callers wait for have none yet. */
  #files: Map<string, TempFile> | undefined;

  /** Keeps the bytes of a file, unless it is there: a caller may be reading it. */
  add({ assetId }: CollectedFile, bytes: TempFile): void {
    this.#files ??= new Map();
    if (this.#files.has(assetId)) void bytes.discard();
    else this.#files.set(assetId, bytes);
  }

  has({ assetId }: CollectedFile): boolean {
    return this.#files?.has(assetId) ?? false;
  }

  /** @throws ComfyUIError `not_found` once the bytes are discarded */
  get({ assetId, filename }: CollectedFile): TempFile {
    const bytes = this.#files?.get(assetId);
    if (!bytes) throw new ComfyUIError('not_found', `The bytes of ${filename} are no longer in memory.`);
    return bytes;
  }

  clear(): void {
    for (const file of this.#files?.values() ?? []) void file.discard();
    this.#files = undefined;
  }
}

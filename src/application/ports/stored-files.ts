/**
 * Which files are in the storage. Several assets may have the same bytes, which are kept once: they go when none has them
 * any more. All calls reject with `ComfyUIError` `storage_failed` when the database is away, locked or full.
 */
export abstract class StoredFiles {
  /**
   * Before a file is stored: nobody removes it for the next {@link STORING_MS}.
   * @returns false while it is being removed: try again in a moment
   */
  abstract claim(sha256: string, now: number): Promise<boolean>;

  /** Some that no asset has, to be removed now; {@link claim} holds back who wants to store one of them meanwhile. */
  abstract takeUnused(now: number, limit: number): Promise<readonly string[]>;

  /** It is removed from the storage. */
  abstract removed(sha256: string): Promise<void>;
}

/** How long storing a file may take, until the job that has it is written. */
export const STORING_MS = 60 * 60 * 1000;

/**
 * Which files are in the storage. Several assets may have the same bytes, which are kept once: they go when none has them
 * any more. All calls reject with `ComfyUIError` `storage_failed` when the database is away, locked or full.
 */
export abstract class StoredFiles {
  /**
   * Before a file is stored: nobody removes it for the next {@link STORING_MS}.
   * @returns whether a job has stored these bytes already; `leaving`: they are being removed, try again in a moment
   */
  abstract claim(sha256: string, now: number): Promise<'new' | 'known' | 'leaving'>;

  /**
   * Looks at the next few files, in the order of their hashes, for those that no asset has. They are to be removed now;
   * {@link claim} holds back who wants to store one of them meanwhile.
   * @param after the last that was looked at; at first `''`
   */
  abstract takeUnused(now: number, after: string): Promise<UnusedFiles>;

  /** It is removed from the storage. */
  abstract removed(sha256: string): Promise<void>;
}

export interface UnusedFiles {
  readonly unused: readonly string[];
  /** The last that was looked at; null when there are no more. */
  readonly last: string | null;
}

/** How long storing a file may take, until the job that has it is written. */
export const STORING_MS = 60 * 60 * 1000;

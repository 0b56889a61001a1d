export interface LocalStorageOptions {
  /** Folder for the files; created when it does not exist. Its file system must support `rename` and `fsync`. */
  readonly directory: string;
  /**
   * No other process uses the folder: partial uploads of an earlier process are removed at the start. Otherwise only those that
   * are older than a day.
   */
  readonly isOwn?: boolean;
}

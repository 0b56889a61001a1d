export interface LocalStorageOptions {
  /** The folder for the files; made when it is not there. Its file system must know `rename` and `fsync`. */
  readonly directory: string;
  /** The folder is this process's alone: halves that one before left there go at the start. Otherwise only those of yesterday. */
  readonly isOwn?: boolean;
}

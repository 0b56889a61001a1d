import { ComfyUIError } from '../../domain/errors';

interface StorageErrorOptions {
  readonly cause?: unknown;
  /** A retry may succeed. */
  readonly isPassing?: boolean;
  /** The bucket does not exist and may be created. */
  readonly isBucketMissing?: boolean;
}

/** A failed operation of the file storage. */
export class StorageError extends ComfyUIError {
  readonly isPassing: boolean;
  readonly isBucketMissing: boolean;

  constructor(message: string, { cause, isPassing = false, isBucketMissing = false }: StorageErrorOptions = {}) {
    super('storage_failed', message, { cause });
    this.isPassing = isPassing;
    this.isBucketMissing = isBucketMissing;
  }
}

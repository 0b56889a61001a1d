import { ComfyUIError } from '../../domain/errors';

interface FaultOptions {
  readonly cause?: unknown;
  /** Another try soon may succeed. */
  readonly isPassing?: boolean;
  /** The bucket is not there; it may be made. */
  readonly isBucketMissing?: boolean;
}

/** A storage that could not do what it was asked for. */
export class StorageError extends ComfyUIError {
  readonly isPassing: boolean;
  readonly isBucketMissing: boolean;

  constructor(message: string, { cause, isPassing = false, isBucketMissing = false }: FaultOptions = {}) {
    super('storage_failed', message, { cause });
    this.isPassing = isPassing;
    this.isBucketMissing = isBucketMissing;
  }
}

import { decorrelatedJitterGenerator, ExponentialBackoff, handleType, retry } from 'cockatiel';
import { StorageError } from './storage-error';

const policy = retry(
  handleType(StorageError, ({ isPassing }) => isPassing),
  {
    maxAttempts: 3,
    backoff: new ExponentialBackoff({ initialDelay: 200, maxDelay: 3_000, generator: decorrelatedJitterGenerator }),
  },
);

/**
 * Makes up to four attempts while the error is transient, with exponential backoff and jitter. Rejects with the signal's
 * reason if it aborts.
 */
export async function retryPassing<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await policy.execute(call, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

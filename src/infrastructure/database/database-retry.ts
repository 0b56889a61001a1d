import { decorrelatedJitterGenerator, ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { isPassing, storageError } from './database-errors';

const GIVE_UP_AFTER_MS = 5_000;
const BACKOFF = new ExponentialBackoff({ initialDelay: 20, maxDelay: 500, generator: decorrelatedJitterGenerator });

/**
 * Does something with the database, again for some seconds while it is locked or away.
 * The connection may have been lost after the database did it and before it said so: `call` hears that it is not the
 * first try, and must come to the same end as if that one had been.
 * @throws ComfyUIError `storage_failed`
 */
export async function stored<T>(call: (isRetry: boolean) => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
  try {
    return await call(false).catch((error: unknown) => again(() => call(true), error, giveUpAt));
  } catch (error) {
    throw storageError(error);
  }
}

/** Apart from the first try, which as a rule is the only one. */
function again<T>(call: () => Promise<T>, first: unknown, giveUpAt: number): Promise<T> {
  const mayTryAgain = (error: unknown) => isPassing(error) && performance.now() < giveUpAt;
  const policy = retry(handleWhen(mayTryAgain), { maxAttempts: Number.MAX_SAFE_INTEGER, backoff: BACKOFF });
  return policy.execute(({ attempt }) => (attempt > 0 ? call() : Promise.reject(first as Error)));
}

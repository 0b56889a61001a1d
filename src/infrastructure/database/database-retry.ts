import { decorrelatedJitterGenerator, ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { isPassing, storageError } from './database-errors';

const GIVE_UP_AFTER_MS = 5_000;
const BACKOFF = new ExponentialBackoff({ initialDelay: 20, maxDelay: 500, generator: decorrelatedJitterGenerator });

/**
 * Calls the database, again for some seconds while it is locked or unreachable.
 * The connection may break after the database has committed a call and before its answer arrives: `call` receives whether it
 * is a retry, and must then have the same result as if the call before had succeeded.
 * @throws ComfyUIError `storage_failed`
 */
export async function withDatabaseRetry<T>(call: (isRetry: boolean) => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
  try {
    return await call(false).catch((error: unknown) => again(() => call(true), error, giveUpAt));
  } catch (error) {
    throw storageError(error);
  }
}

/** The first call, as a rule the only one, runs without the policy. */
function again<T>(call: () => Promise<T>, first: unknown, giveUpAt: number): Promise<T> {
  const mayTryAgain = (error: unknown) => isPassing(error) && performance.now() < giveUpAt;
  const policy = retry(handleWhen(mayTryAgain), { maxAttempts: Number.MAX_SAFE_INTEGER, backoff: BACKOFF });
  return policy.execute(({ attempt }) => (attempt > 0 ? call() : Promise.reject(first as Error)));
}

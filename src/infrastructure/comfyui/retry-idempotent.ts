import { decorrelatedJitterGenerator, ExponentialBackoff, handleType, retry } from 'cockatiel';
import { BackendError } from '../../domain/errors';

const policy = retry(
  handleType(BackendError, ({ isPassing }) => isPassing),
  {
    maxAttempts: 2,
    backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 1_000, generator: decorrelatedJitterGenerator }),
  },
);

/** Makes up to three attempts of an idempotent call, with exponential backoff and jitter. */
export function retryIdempotent<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return policy.execute(call, signal);
}

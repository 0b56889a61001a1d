import { decorrelatedJitterGenerator, ExponentialBackoff, handleType, retry } from 'cockatiel';
import { BackendError } from '../../domain/errors';

const policy = retry(
  handleType(BackendError, ({ isPassing }) => isPassing),
  {
    maxAttempts: 2,
    backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 1_000, generator: decorrelatedJitterGenerator }),
  },
);

/** Tries a call without side effects up to three times, with growing, jittered pauses. */
export function retryIdempotent<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return policy.execute(call, signal);
}

import { halfJitterGenerator } from 'cockatiel';

/** More failures in a row make no longer pause. */
const MOST_DOUBLINGS = 30;

/** The pause after so many failures in a row, ms: doubled each time, with jitter, so that processes do not retry together. */
export function backoff(
  failures: number,
  { first, longest }: { readonly first: number; readonly longest: number },
): number {
  const options = { initialDelay: first, maxDelay: longest, exponent: 2, generator: halfJitterGenerator };
  const [pause] = halfJitterGenerator(Math.min(failures, MOST_DOUBLINGS), options);
  return pause;
}

import { setTimeout as wait } from 'node:timers/promises';

/** The longest delay of a Node timer (2^31-1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Resolves after `ms` or when the signal aborts; it does not reject on abort. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await wait(timerMs(ms), undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** Clamps a delay to the range of Node timers: 0 to 24.8 days. */
export function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
}

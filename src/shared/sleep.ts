import { setTimeout as wait } from 'node:timers/promises';

/** The longest a timer can be set for (2^31-1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Resolves after `ms`, or as soon as the signal is aborted: whoever aborted it knows what to do next. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await wait(timerMs(ms), undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** What a timer can be set to for so many milliseconds: at least 0, at most 24.8 days. */
export function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
}

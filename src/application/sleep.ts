import { setTimeout } from 'node:timers/promises';

/** The longest a timer can be set for (2^31-1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Resolves after `ms`, or as soon as the signal is aborted: whoever aborted it knows what to do next. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

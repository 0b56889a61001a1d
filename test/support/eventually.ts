import { setTimeout } from 'node:timers/promises';

/** Repeats an expectation until it holds and resolves with its result; rejects with its last error after `ms`. */
export async function eventually<T>(expectation: () => Promise<T> | T, ms = 10_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await setTimeout(20);
  }
}

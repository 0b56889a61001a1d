import { setTimeout } from 'node:timers/promises';

/** Repeats an expectation until it holds; fails with its last error after `ms`. */
export async function eventually(expectation: () => Promise<void> | void, ms = 10_000): Promise<void> {
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

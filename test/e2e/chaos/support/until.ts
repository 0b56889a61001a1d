import { setTimeout } from 'node:timers/promises';

const LOOK_MS = 20;

/** Polls `look` until it returns neither undefined nor false; errors count as undefined. @throws Error after the time */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>, ms = 20_000): Promise<T> {
  const deadline = Date.now() + ms;
  let failure: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw new Error(`Not within ${ms / 1000} s: ${what}`, { cause: failure });
    await setTimeout(LOOK_MS);
  }
}

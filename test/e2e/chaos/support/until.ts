import { setTimeout } from 'node:timers/promises';

const LOOK_MS = 20;

/** Resolves with what `look` finds as soon as it finds something. A look that fails finds nothing. */
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

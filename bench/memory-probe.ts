import { setTimeout } from 'node:timers/promises';

/**
 * Loaded into a server before its own code (`--require`, with `--expose-gc`): tells its memory when asked over the
 * channel to its parent. Collected several times, with pauses in which finalizers run: what one finds may free more.
 */
const COLLECTIONS = 4;
const PAUSE_MS = 50;

async function settledMemory(): Promise<ReturnType<typeof process.memoryUsage>> {
  for (let count = 0; count < COLLECTIONS; count++) {
    globalThis.gc?.();
    await setTimeout(PAUSE_MS);
  }
  return process.memoryUsage();
}

process.on('message', () => {
  settledMemory().then(
    (usage) => process.send?.(usage),
    (error: unknown) => console.error(error),
  );
});
// The channel alone does not keep the server alive.
process.channel?.unref();

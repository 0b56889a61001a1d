import { setTimeout } from 'node:timers/promises';

/**
 * Preloaded into a server (`--require`, with `--expose-gc`): replies to each message of its parent with its memory.
 * Several collections, with pauses in which finalizers run: a finalizer may release more memory.
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

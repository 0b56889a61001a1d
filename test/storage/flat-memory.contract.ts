import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createHash } from 'node:crypto';
import { generatedFile, MIB, NEVER } from './files';
import type { StoragePlace } from './places';

const SIZE = 200 * MIB;
/** Parts that are filled and sent concurrently, and the memory of the server, which runs in this process. */
const MAX_GROWTH = 64 * MIB;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

export function describeFlatMemory(place: { readonly current: StoragePlace }): void {
  it('stays flat while 200 MiB are stored and read', async () => {
    const peak = new Peak();
    const file = generatedFile(SIZE, () => peak.sample());
    await place.current.storage.put(file, NEVER);
    const { stream } = await place.current.storage.open(file.sha256, { signal: NEVER });
    const hash = createHash('sha256');
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      peak.sample();
    }
    expect(hash.digest('hex')).toBe(file.sha256);
    expect(peak.growth).toBeLessThan(MAX_GROWTH);
  }, 120_000);
}

/** Measures live memory: after a garbage collection, every 256 chunks. */
class Peak {
  readonly #before = liveMemory();
  #max = 0;
  #samples = 0;

  sample(): void {
    this.#samples += 1;
    if (this.#samples % 256 === 0) this.#max = Math.max(this.#max, liveMemory());
  }

  get growth(): number {
    return this.#max - this.#before;
  }
}

function liveMemory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

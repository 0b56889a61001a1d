import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createHash } from 'node:crypto';
import { madeFile, MIB, NEVER } from './files';
import type { StoragePlace } from './places';

const SIZE = 200 * MIB;
/** What may be under way at once: parts being filled and sent, and the server's share, for it runs in this process. */
const MOST = 64 * MIB;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

export function describeFlatMemory(place: { readonly current: StoragePlace }): void {
  it('stays flat while 200 MiB go in and out', async () => {
    const peak = new Peak();
    const file = madeFile(SIZE, () => peak.look());
    await place.current.storage.put(file, NEVER);
    const { stream } = await place.current.storage.open(file.sha256, { signal: NEVER });
    const hash = createHash('sha256');
    for await (const piece of stream as AsyncIterable<Buffer>) {
      hash.update(piece);
      peak.look();
    }
    expect(hash.digest('hex')).toBe(file.sha256);
    expect(peak.grown).toBeLessThan(MOST);
  }, 120_000);
}

/** What is held, not what was used: looked at after the garbage is gone, every 256 pieces. */
class Peak {
  readonly #before = held();
  #most = 0;
  #looks = 0;

  look(): void {
    this.#looks += 1;
    if (this.#looks % 256 === 0) this.#most = Math.max(this.#most, held());
  }

  get grown(): number {
    return this.#most - this.#before;
  }
}

function held(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

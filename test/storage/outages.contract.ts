import { buffer } from 'node:stream/consumers';
import { bytesOf, NEVER, randomFile } from './files';
import type { StoragePlace } from './places';

/** Runs only where the test can stop the server. */
export function describeOutages(place: { readonly current: StoragePlace }): void {
  it('fails within bounded time with a message, and works after the outage', async () => {
    const { outage, storage } = place.current;
    if (!outage) return;
    const file = randomFile(100_000);
    await storage.put(file, NEVER);
    const other = randomFile(100_000);
    await outage.begin();
    const before = Date.now();
    const refusal = { code: 'storage_failed', message: expect.stringMatching(/^The f.+\.$/) };
    await Promise.all([
      expect(storage.open(file.sha256, { signal: NEVER })).rejects.toMatchObject(refusal),
      expect(storage.put(other, NEVER)).rejects.toMatchObject(refusal),
      expect(storage.remove(file.sha256, NEVER)).rejects.toMatchObject(refusal),
      expect(storage.check(NEVER)).rejects.toMatchObject(refusal),
    ]);
    expect(Date.now() - before).toBeLessThan(20_000);
    await outage.end();
    await storage.check(NEVER);
    await storage.put(other, NEVER);
    expect((await bytesOf(storage, other.sha256)).bytes.equals(other.bytes)).toBe(true);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('is retried during a short outage', async () => {
    const { outage, storage } = place.current;
    if (!outage?.isShort) return;
    const file = randomFile(100_000);
    await outage.begin();
    const put = storage.put(file, NEVER);
    setTimeout(() => void outage.end(), 100);
    await put;
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('in the middle of a file fails its stream instead of ending it', async () => {
    const { outage, storage } = place.current;
    if (!outage?.isShort) return;
    const file = randomFile(30 * 1024 * 1024);
    await storage.put(file, NEVER);
    const { stream } = await storage.open(file.sha256, { signal: NEVER });
    await outage.begin();
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'storage_failed' });
    await outage.end();
  });
}

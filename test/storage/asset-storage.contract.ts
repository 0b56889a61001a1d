import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { AssetStorage, FileToStore } from '../../src/application/assets/asset-storage';
import { withSource, bytesOf, fileOf, NEVER, randomFile } from './files';
import { describeBrokenPuts } from './broken-puts.contract';
import { describeFlatMemory } from './flat-memory.contract';
import { describeLinks } from './links.contract';
import { describeOutages } from './outages.contract';
import type { StoragePlace } from './places';

/** The contract of the port. @param makePlace creates an empty storage, which is checked before its use */
export function describeAssetStorage(name: string, makePlace: () => Promise<StoragePlace>): void {
  describe(name, () => {
    const place: { current: StoragePlace } = { current: undefined as never };

    beforeEach(async () => {
      place.current = await makePlace();
      await place.current.storage.check(NEVER);
    });

    afterEach(() => place.current.remove());

    describe('a stored file', () => describeStoredFiles(place));
    describe('a put', () => describeBrokenPuts(place));
    describe('a link', () => describeLinks(place));
    describe('an unreachable storage', () => describeOutages(place));
    describe('memory', () => describeFlatMemory(place));
  });
}

function describeStoredFiles(place: { readonly current: StoragePlace }): void {
  let storage: AssetStorage;

  beforeEach(() => {
    storage = place.current.storage;
  });

  it.each([0, 1, 100_000, 9 * 1024 * 1024])('of %d bytes is returned unchanged', async (size) => {
    const file = randomFile(size);
    await storage.put(file, NEVER);
    const { bytes, sizeBytes } = await bytesOf(storage, file.sha256);
    expect(bytes.equals(file.bytes)).toBe(true);
    expect(sizeBytes).toBe(size);
  });

  it('is readable by another process', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    const { bytes } = await bytesOf(place.current.another(), file.sha256);
    expect(bytes.equals(file.bytes)).toBe(true);
  });

  it('is sent again if it is declared as new, and is complete', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    const open = jest.fn(() => file.open());
    await storage.put({ ...file, bytes: undefined, isNew: true, open }, NEVER);
    expect(open).toHaveBeenCalledTimes(1);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('is not read again by a second put', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    const open = jest.fn(() => file.open());
    await storage.put({ ...file, open }, NEVER);
    await place.current.another().put({ ...file, open }, NEVER);
    expect(open).not.toHaveBeenCalled();
  });

  it('may be put by twenty callers and two processes concurrently', async () => {
    const file = randomFile(300_000);
    const open = jest.fn(() => file.open());
    const both = [storage, place.current.another()];
    await Promise.all(Array.from({ length: 20 }, (_, i) => both[i % 2]!.put({ ...file, open }, NEVER)));
    expect(open.mock.calls.length).toBeLessThanOrEqual(2);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
    expect(await place.current.kept()).toEqual([file.sha256]);
  });

  it('may be stored by a concurrent put', async () => {
    const file = randomFile(1024 * 1024);
    const overtaken = withSource(file, async function* () {
      await place.current.another().put(file, NEVER);
      yield* file.open();
    });
    await storage.put(overtaken, NEVER);
    const before = Date.now();
    // No connection of the pool is stuck.
    const read = () => bytesOf(storage, file.sha256, { start: 0, end: 9 });
    const all = await Promise.all(Array.from({ length: 8 }, read));
    expect(all.every(({ bytes }) => bytes.equals(file.bytes.subarray(0, 10)))).toBe(true);
    expect(Date.now() - before).toBeLessThan(15_000);
    expect(await place.current.kept()).toEqual([file.sha256]);
  });

  it.each([
    ['first bytes', 0, 9],
    ['middle', 500, 1499],
    ['last bytes', 99_990, 99_999],
    ['one byte', 7, 7],
    ['whole', 0, 99_999],
    ['end, for a range that extends beyond it', 99_000, 200_000],
  ])('returns its %s', async (_what, start, end) => {
    const file = randomFile(100_000);
    await storage.put(file, NEVER);
    const { bytes, sizeBytes } = await bytesOf(storage, file.sha256, { start, end });
    expect(bytes.equals(file.bytes.subarray(start, end + 1))).toBe(true);
    expect(sizeBytes).toBe(100_000);
  });

  it.each([0, 10])('of %d bytes refuses a range beyond its end', async (size) => {
    const file = randomFile(size);
    await storage.put(file, NEVER);
    const range = { start: size, end: size + 5 };
    await expect(storage.open(file.sha256, { range, signal: NEVER })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('refuses an invalid range', async () => {
    const { sha256 } = randomFile(1);
    for (const range of [
      { start: 5, end: 4 },
      { start: -1, end: 4 },
      { start: 0.5, end: 1 },
    ])
      await expect(storage.open(sha256, { range, signal: NEVER })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('that does not exist is not found', async () => {
    const { sha256 } = randomFile(10);
    const refusal = { code: 'not_found', message: expect.stringContaining(sha256) };
    await expect(storage.open(sha256, { signal: NEVER })).rejects.toMatchObject(refusal);
    const range = { start: 0, end: 5 };
    await expect(storage.open(sha256, { range, signal: NEVER })).rejects.toMatchObject(refusal);
  });

  it('can be removed repeatedly and stored again', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    await storage.remove(file.sha256, NEVER);
    await storage.remove(file.sha256, NEVER);
    await expect(storage.open(file.sha256, { signal: NEVER })).rejects.toMatchObject({ code: 'not_found' });
    expect(await place.current.kept()).toEqual([]);
    await storage.put(file, NEVER);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('is neither read nor opened after an abort', async () => {
    const file = randomFile(9 * 1024 * 1024);
    await storage.put(file, NEVER);
    const controller = new AbortController();
    const { stream } = await storage.open(file.sha256, { signal: controller.signal });
    await once(stream, 'readable');
    setImmediate(() => controller.abort());
    await expect(once(stream, 'end')).rejects.toMatchObject({ name: 'AbortError' });
    expect(stream.destroyed).toBe(true);
    await expect(storage.open(file.sha256, { signal: controller.signal })).rejects.toBe(controller.signal.reason);
  });

  it('may be read in part', async () => {
    const file = randomFile(9 * 1024 * 1024);
    await storage.put(file, NEVER);
    const { stream } = await storage.open(file.sha256, { signal: NEVER });
    await once(stream, 'readable');
    stream.destroy();
    await once(stream, 'close');
    await setTimeout(20);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it.each([
    ['a path', '../../../../etc/passwd'],
    ['upper case', 'A'.repeat(64)],
    ['too short', 'a'.repeat(63)],
    ['a line break', `${'a'.repeat(64)}\n`],
    ['nothing', ''],
  ])('has no other key than its SHA-256: %s', async (_what, sha256) => {
    const open = jest.fn();
    const file: FileToStore = { ...withSource(fileOf(Buffer.from('x')), () => []), sha256, open };
    const options = { filename: 'x.png', mediaType: 'image/png', inline: true };
    const calls = [
      () => storage.put(file, NEVER),
      () => storage.open(sha256, { signal: NEVER }),
      () => storage.remove(sha256, NEVER),
      () => storage.link(sha256, options, NEVER),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'invalid_request' });
    expect(open).not.toHaveBeenCalled();
  });
}

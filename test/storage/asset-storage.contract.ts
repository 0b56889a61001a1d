import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { AssetStorage, FileToStore } from '../../src/application/assets/asset-storage';
import { broughtBy, bytesOf, fileOf, NEVER, randomFile } from './files';
import { describeBrokenPuts } from './broken-puts.contract';
import { describeFlatMemory } from './flat-memory.contract';
import { describeLinks } from './links.contract';
import { describeOutages } from './outages.contract';
import type { StoragePlace } from './places';

/** Everything the port promises. @param makePlace somewhere empty, checked before it is used */
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
    describe('a storage that is out of reach', () => describeOutages(place));
    describe('memory', () => describeFlatMemory(place));
  });
}

function describeStoredFiles(place: { readonly current: StoragePlace }): void {
  let storage: AssetStorage;

  beforeEach(() => {
    storage = place.current.storage;
  });

  it.each([0, 1, 100_000, 9 * 1024 * 1024])('of %d bytes is given back as it came', async (size) => {
    const file = randomFile(size);
    await storage.put(file, NEVER);
    const { bytes, sizeBytes } = await bytesOf(storage, file.sha256);
    expect(bytes.equals(file.bytes)).toBe(true);
    expect(sizeBytes).toBe(size);
  });

  it('is there for another process', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    const { bytes } = await bytesOf(place.current.another(), file.sha256);
    expect(bytes.equals(file.bytes)).toBe(true);
  });

  it('is sent again when it passes for new, and is whole', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    const open = jest.fn(() => file.open());
    await storage.put({ ...file, bytes: undefined, isNew: true, open }, NEVER);
    expect(open).toHaveBeenCalledTimes(1);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('is not read again when it comes again', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    const open = jest.fn(() => file.open());
    await storage.put({ ...file, open }, NEVER);
    await place.current.another().put({ ...file, open }, NEVER);
    expect(open).not.toHaveBeenCalled();
  });

  it('may come from twenty callers and two processes at once', async () => {
    const file = randomFile(300_000);
    const open = jest.fn(() => file.open());
    const both = [storage, place.current.another()];
    await Promise.all(Array.from({ length: 20 }, (_, i) => both[i % 2]!.put({ ...file, open }, NEVER)));
    expect(open.mock.calls.length).toBeLessThanOrEqual(2);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
    expect(await place.current.kept()).toEqual([file.sha256]);
  });

  it('may be stored by somebody else in the meantime', async () => {
    const file = randomFile(1024 * 1024);
    const overtaken = broughtBy(file, async function* () {
      await place.current.another().put(file, NEVER);
      yield* file.open();
    });
    await storage.put(overtaken, NEVER);
    const before = Date.now();
    // However many connections there are now, none of them is stuck.
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
    ['end and what would come after it', 99_000, 200_000],
  ])('gives its %s', async (_what, start, end) => {
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

  it('refuses a range that is none', async () => {
    const { sha256 } = randomFile(1);
    for (const range of [
      { start: 5, end: 4 },
      { start: -1, end: 4 },
      { start: 0.5, end: 1 },
    ])
      await expect(storage.open(sha256, { range, signal: NEVER })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('that is not there is not found', async () => {
    const { sha256 } = randomFile(10);
    const refusal = { code: 'not_found', message: expect.stringContaining(sha256) };
    await expect(storage.open(sha256, { signal: NEVER })).rejects.toMatchObject(refusal);
    const range = { start: 0, end: 5 };
    await expect(storage.open(sha256, { range, signal: NEVER })).rejects.toMatchObject(refusal);
  });

  it('is gone when it was removed, however often, and may come back', async () => {
    const file = randomFile(1000);
    await storage.put(file, NEVER);
    await storage.remove(file.sha256, NEVER);
    await storage.remove(file.sha256, NEVER);
    await expect(storage.open(file.sha256, { signal: NEVER })).rejects.toMatchObject({ code: 'not_found' });
    expect(await place.current.kept()).toEqual([]);
    await storage.put(file, NEVER);
    expect((await bytesOf(storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('is not read on after the signal, nor opened', async () => {
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

  it('may be left in the middle', async () => {
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
    ['a line more', `${'a'.repeat(64)}\n`],
    ['nothing', ''],
  ])('has no other key than its SHA-256: %s', async (_what, sha256) => {
    const open = jest.fn();
    const file: FileToStore = { ...broughtBy(fileOf(Buffer.from('x')), () => []), sha256, open };
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

import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { FileToStore } from '../../src/application/assets/asset-storage';
import { eventually } from '../support/eventually';
import { broughtBy, MIB, NEVER, randomFile } from './files';
import type { StoragePlace } from './places';

/** Small ones go out in one piece, large ones in parts. */
const SIZES = [0, 1000, 20 * MIB];

export function describeBrokenPuts(place: { readonly current: StoragePlace }): void {
  const put = (file: FileToStore, signal = NEVER) => place.current.storage.put(file, signal);

  /** A server may take a moment to clean up. */
  async function nothingIsLeft(file: FileToStore): Promise<void> {
    const found = place.current.storage.open(file.sha256, { signal: NEVER });
    await expect(found).rejects.toMatchObject({ code: 'not_found' });
    await eventually(async () => {
      expect(await place.current.kept()).toEqual([]);
      expect(await place.current.partialUploads()).toBe(0);
    });
  }

  it.each(SIZES)('of %d bytes whose source breaks off leaves nothing, and tells why', async (size) => {
    const file = randomFile(size);
    const broken = broughtBy(file, async function* () {
      yield* file.open();
      await setTimeout(1);
      throw new Error('the disk of the source failed');
    });
    await expect(put(broken)).rejects.toThrow('the disk of the source failed');
    await nothingIsLeft(file);
  });

  it.each(SIZES)('of %d bytes whose source brings more or fewer is refused', async (size) => {
    const file = randomFile(size);
    const more = broughtBy(file, function* () {
      yield file.bytes;
      yield Buffer.from('more');
    });
    const refusal = { code: 'storage_failed', message: expect.stringContaining(`said to have ${size} bytes`) };
    await expect(put(more)).rejects.toMatchObject(refusal);
    await nothingIsLeft(file);
    if (size === 0) return;
    const fewer = broughtBy(file, function* () {
      yield file.bytes.subarray(1);
    });
    await expect(put(fewer)).rejects.toMatchObject(refusal);
    await nothingIsLeft(file);
  });

  it.each([1000, 20 * MIB])('of %d bytes that is aborted leaves nothing', async (size) => {
    const file = randomFile(size);
    const controller = new AbortController();
    const hanging = broughtBy(file, async function* () {
      yield file.bytes.subarray(0, size - 10);
      setImmediate(() => controller.abort(new Error('enough')));
      await new Promise(() => undefined);
    });
    await expect(put(hanging, controller.signal)).rejects.toThrow('enough');
    await nothingIsLeft(file);
  });

  it('that is aborted before it starts reads nothing', async () => {
    const open = jest.fn(() => new Readable());
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(put({ ...randomFile(10), open }, signal)).rejects.toThrow('too late');
    expect(open).not.toHaveBeenCalled();
  });

  it('that fails does not spoil another’s of the same file', async () => {
    const file = randomFile(100_000);
    const broken = broughtBy(file, async function* () {
      yield file.bytes.subarray(0, 10);
      await setTimeout(50);
      throw new Error('broke off');
    });
    const first = put(broken);
    const second = put(file);
    await expect(first).rejects.toThrow('broke off');
    await second;
    expect(await place.current.kept()).toEqual([file.sha256]);
  });

  it('that waits for another’s of the same file can be aborted by itself', async () => {
    const file = randomFile(100_000);
    const slow = broughtBy(file, async function* () {
      await setTimeout(200);
      yield file.bytes;
    });
    const first = put(slow);
    await expect(put(file, AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
    await first;
    expect(await place.current.kept()).toEqual([file.sha256]);
  });
}

import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { FileToStore } from '../../src/application/assets/asset-storage';
import { eventually } from '../support/eventually';
import { withSource, MIB, NEVER, randomFile } from './files';
import type { StoragePlace } from './places';

/** Small files are sent in one request, large ones in parts. */
const SIZES = [0, 1000, 20 * MIB];

export function describeBrokenPuts(place: { readonly current: StoragePlace }): void {
  const put = (file: FileToStore, signal = NEVER) => place.current.storage.put(file, signal);

  /** Waits, because a server may clean up asynchronously. */
  async function expectNothingLeft(file: FileToStore): Promise<void> {
    const opened = place.current.storage.open(file.sha256, { signal: NEVER });
    await expect(opened).rejects.toMatchObject({ code: 'not_found' });
    await eventually(async () => {
      expect(await place.current.kept()).toEqual([]);
      expect(await place.current.partialUploads()).toBe(0);
    });
  }

  it.each(SIZES)('of %d bytes whose source fails leaves nothing, and rejects with its error', async (size) => {
    const file = randomFile(size);
    const broken = withSource(file, async function* () {
      yield* file.open();
      await setTimeout(1);
      throw new Error('the disk of the source failed');
    });
    await expect(put(broken)).rejects.toThrow('the disk of the source failed');
    await expectNothingLeft(file);
  });

  it.each(SIZES)('of %d bytes whose source has more or fewer is refused', async (size) => {
    const file = randomFile(size);
    const more = withSource(file, function* () {
      yield file.bytes;
      yield Buffer.from('more');
    });
    const refusal = { code: 'storage_failed', message: expect.stringContaining(`expected ${size} bytes`) };
    await expect(put(more)).rejects.toMatchObject(refusal);
    await expectNothingLeft(file);
    if (size === 0) return;
    const fewer = withSource(file, function* () {
      yield file.bytes.subarray(1);
    });
    await expect(put(fewer)).rejects.toMatchObject(refusal);
    await expectNothingLeft(file);
  });

  it.each([1000, 20 * MIB])('of %d bytes leaves nothing after an abort', async (size) => {
    const file = randomFile(size);
    const controller = new AbortController();
    const hanging = withSource(file, async function* () {
      yield file.bytes.subarray(0, size - 10);
      setImmediate(() => controller.abort(new Error('aborted')));
      await new Promise(() => undefined);
    });
    await expect(put(hanging, controller.signal)).rejects.toThrow('aborted');
    await expectNothingLeft(file);
  });

  it('with an aborted signal reads nothing', async () => {
    const open = jest.fn(() => new Readable());
    const signal = AbortSignal.abort(new Error('aborted'));
    await expect(put({ ...randomFile(10), open }, signal)).rejects.toThrow('aborted');
    expect(open).not.toHaveBeenCalled();
  });

  it('that fails does not affect a concurrent put of the same file', async () => {
    const file = randomFile(100_000);
    const broken = withSource(file, async function* () {
      yield file.bytes.subarray(0, 10);
      await setTimeout(50);
      throw new Error('source failed');
    });
    const first = put(broken);
    const second = put(file);
    await expect(first).rejects.toThrow('source failed');
    await second;
    expect(await place.current.kept()).toEqual([file.sha256]);
  });

  it('that waits for a concurrent put of the same file can be aborted alone', async () => {
    const file = randomFile(100_000);
    const slow = withSource(file, async function* () {
      await setTimeout(200);
      yield file.bytes;
    });
    const first = put(slow);
    await expect(put(file, AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
    await first;
    expect(await place.current.kept()).toEqual([file.sha256]);
  });
}

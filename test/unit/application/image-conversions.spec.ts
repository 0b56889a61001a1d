import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { ImageConversions } from '../../../src/application/assets/images/image-conversions';
import {
  type EncodedImage,
  ImageConverter,
  type ImageSpec,
} from '../../../src/application/assets/images/image-converter';
import type { TempFile } from '../../../src/shared/temp-files/temp-file';
import { TempFiles } from '../../../src/shared/temp-files/temp-files';
import { ComfyUIError } from '../../../src/domain/errors';
import { eventually } from '../../support/eventually';
import { NEVER, sourceOf, takenOut } from '../../support/pictures';

const MIB = 1024 * 1024;
const PNG_START = Buffer.from('89504e470d0a1a0a', 'hex');

/** The signature of a PNG and other bytes after it: enough for a converter that does not decode it. */
const picture = (name: string, size = 100) => sourceOf(Buffer.concat([PNG_START, Buffer.alloc(size, name)]));

/** Finishes each conversion when the test says so, with a given number of bytes. */
class HeldPictures extends ImageConverter {
  readonly atOnce = 2;
  readonly begun: { readonly spec: ImageSpec; readonly signal: AbortSignal; finish(error?: Error): void }[] = [];
  madeBytes = 1000;
  most = 0;
  #running = 0;

  async convert(original: TempFile, spec: ImageSpec, signal: AbortSignal): Promise<EncodedImage> {
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    const start = await original.read(0, 20);
    await new Promise<void>((resolve, reject) => {
      this.begun.push({ spec, signal, finish: (error) => (error ? reject(error) : resolve()) });
    }).finally(() => (this.#running -= 1));
    signal.throwIfAborted();
    const bytes = Buffer.alloc(this.madeBytes, start.subarray(8, 9));
    return { mediaType: `image/${spec.format}`, width: 3, height: 2, stream: Readable.from([bytes]) };
  }
}

describe('image conversions', () => {
  let directory: string;
  let converter: HeldPictures;
  let conversions: ImageConversions;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pictures-spec-'));
    converter = new HeldPictures();
    conversions = new ImageConversions(converter, new TempFiles({ directory, memory: 32 * MIB }));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const filesOnDisk = async () =>
    (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

  const begun = (count: number) => eventually(() => expect(converter.begun).toHaveLength(count));

  /** Finishes every conversion that begins from now on. */
  async function finishing<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const stop = () => over.abort();
    void work.then(stop, stop);
    let next = 0;
    while (!over.signal.aborted) {
      while (next < converter.begun.length) converter.begun[next++]!.finish();
      await setTimeout(1);
    }
    return work;
  }

  it('delivers the converted image', async () => {
    const made = await finishing(conversions.convert(picture('a'), { format: 'webp', width: 3 }, NEVER));
    expect(made).toMatchObject({ mediaType: 'image/webp', width: 3, height: 2, sizeBytes: 1000 });
    expect((await takenOut(made)).equals(Buffer.alloc(1000, 'a'))).toBe(true);
    expect(converter.begun[0]?.spec).toEqual({ format: 'webp', width: 3 });
  });

  it('runs one conversion for all callers of the same image, and another for another transform', async () => {
    const source = picture('a');
    const same = Array.from({ length: 5 }, () => conversions.convert(source, { format: 'webp' }, NEVER));
    const other = conversions.convert(source, { format: 'webp', width: 7 }, NEVER);
    const made = await finishing(Promise.all([...same, other]));
    expect(converter.begun).toHaveLength(2);
    for (const each of made) expect((await takenOut(each)).length).toBe(1000);
  });

  it('caches the image', async () => {
    await takenOut(await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER)));
    await takenOut(await conversions.convert(picture('a'), { format: 'webp' }, NEVER));
    expect(converter.begun).toHaveLength(1);
    expect(await filesOnDisk()).toBe(1);
  });

  it('caches at most 256 MiB, besides images that are still held', async () => {
    converter.madeBytes = 100 * MIB;
    const names = ['a', 'b', 'c', 'd'];
    const held = [];
    for (const name of names) held.push(await finishing(conversions.convert(picture(name), { format: 'webp' }, NEVER)));
    expect(await filesOnDisk()).toBe(4);
    for (const each of held) each.release();
    await eventually(async () => expect(await filesOnDisk()).toBe(2));
    held[0]!.release();
    await finishing(conversions.convert(picture('d'), { format: 'webp' }, NEVER));
    expect(converter.begun).toHaveLength(4);
    await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER));
    expect(converter.begun).toHaveLength(5);
  });

  it('delivers an image that is too large for the cache, and deletes it afterwards', async () => {
    converter.madeBytes = 257 * MIB;
    const made = await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER));
    expect((await buffer(made.open())).length).toBe(257 * MIB);
    made.release();
    await eventually(async () => expect(await filesOnDisk()).toBe(0));
  });

  it('limits parallel conversions, and refuses when too many wait', async () => {
    const names = Array.from({ length: 70 }, (_, i) => `${i} `);
    const all = names.map((name) => conversions.convert(picture(name), { format: 'webp' }, NEVER));
    const settled = await finishing(Promise.allSettled(all));
    expect(converter.most).toBe(2);
    const refused = settled
      .filter((each) => each.status === 'rejected')
      .map(({ reason }) => (reason as ComfyUIError).code);
    expect(refused).toEqual(Array(4).fill('busy'));
  });

  it('is aborted when the last caller has left, and not before', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = [first, second].map(({ signal }) => conversions.convert(picture('a'), { format: 'webp' }, signal));
    await begun(1);
    first.abort(new Error('first gone'));
    await expect(waiting[0]).rejects.toThrow('first gone');
    expect(converter.begun[0]!.signal.aborted).toBe(false);
    second.abort(new Error('second gone'));
    await expect(waiting[1]).rejects.toThrow('second gone');
    expect(converter.begun[0]!.signal.aborted).toBe(true);
    converter.begun[0]!.finish();
    await eventually(async () => expect(await filesOnDisk()).toBe(0));
  });

  it('goes on for the callers that remain, and starts again for a caller after the abort', async () => {
    const gone = new AbortController();
    const left = conversions.convert(picture('a'), { format: 'webp' }, gone.signal);
    const stays = conversions.convert(picture('a'), { format: 'webp' }, NEVER);
    await begun(1);
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    converter.begun[0]!.finish();
    expect((await takenOut(await stays)).length).toBe(1000);

    const lost = new AbortController();
    const given = conversions.convert(picture('b'), { format: 'webp' }, lost.signal);
    await begun(2);
    lost.abort(new Error('lost'));
    await expect(given).rejects.toThrow('lost');
    const late = conversions.convert(picture('b'), { format: 'webp' }, NEVER);
    await begun(3);
    converter.begun[1]!.finish();
    converter.begun[2]!.finish();
    expect((await takenOut(await late)).length).toBe(1000);
  });

  it('destroys the source when all callers leave while it is read', async () => {
    const gone = new AbortController();
    const endless = new Readable({ read: () => undefined });
    endless.push(PNG_START);
    const source = { ...picture('a'), open: async () => endless };
    const waiting = conversions.convert(source, { format: 'webp' }, gone.signal);
    await setTimeout(20);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await eventually(() => expect(endless.destroyed).toBe(true));
    await takenOut(await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER)));
    expect(converter.begun).toHaveLength(1);
  });

  it('leaves the queue when all its callers have left', async () => {
    const busy = ['a', 'b'].map((name) => conversions.convert(picture(name), { format: 'webp' }, NEVER));
    await begun(2);
    const gone = new AbortController();
    const open = jest.fn(() => picture('c').open(NEVER));
    const waiting = conversions.convert({ ...picture('c'), open }, { format: 'webp' }, gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await finishing(Promise.all(busy));
    expect(open).not.toHaveBeenCalled();
    expect(converter.begun).toHaveLength(2);
  });

  it('starts nothing for an aborted signal', async () => {
    const open = jest.fn(() => picture('a').open(NEVER));
    const source = { ...picture('a'), open };
    await expect(conversions.convert(source, { format: 'webp' }, AbortSignal.abort(new Error('gone')))).rejects.toThrow(
      'gone',
    );
    expect(open).not.toHaveBeenCalled();
  });

  it('fails for all waiting callers, caches nothing, and starts again for the next', async () => {
    const waiting = Promise.allSettled([1, 2].map(() => conversions.convert(picture('a'), { format: 'webp' }, NEVER)));
    await begun(1);
    converter.begun[0]!.finish(new ComfyUIError('invalid_request', 'damaged'));
    expect(await waiting).toMatchObject([{ reason: { message: 'damaged' } }, { reason: { message: 'damaged' } }]);
    expect(await filesOnDisk()).toBe(0);
    expect((await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER))).sizeBytes).toBe(1000);
  });

  it('fails with the error of the source', async () => {
    const fault = new ComfyUIError('storage_failed', 'The disk is gone.');
    const opening = { ...picture('a'), open: () => Promise.reject(fault) };
    await expect(conversions.convert(opening, { format: 'webp' }, NEVER)).rejects.toBe(fault);
    const reading = {
      ...picture('b'),
      open: async () => new Readable({ read: (_size) => undefined, construct: (done) => done(fault) }),
    };
    await expect(conversions.convert(reading, { format: 'webp' }, NEVER)).rejects.toBe(fault);
    await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER));
  });

  it.each([
    ['an SVG declared as PNG', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
    ['a page', '<!doctype html><p>'],
    ['a paper', '%PDF-1.7\n'],
    ['text', 'hello'],
    ['nothing', ''],
  ])('does not pass %s to the converter', async (_what, text) => {
    const source = sourceOf(Buffer.from(text), 'image/png');
    await expect(conversions.convert(source, { format: 'webp' }, NEVER)).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'The file cannot be converted: its bytes are not an image.',
    });
    expect(converter.begun).toEqual([]);
    expect(await filesOnDisk()).toBe(0);
  });

  it('refuses files that are too large, by their declared and by their actual size', async () => {
    const open = jest.fn(() => picture('a').open(NEVER));
    const declared = { ...picture('a'), sizeBytes: 201 * MIB, open };
    const message = 'Images of more than 200 MiB cannot be converted.';
    await expect(conversions.convert(declared, { format: 'webp' }, NEVER)).rejects.toMatchObject({ message });
    expect(open).not.toHaveBeenCalled();
    const piece = Buffer.alloc(MIB, PNG_START);
    const endless = Readable.from(
      (function* () {
        for (;;) yield piece;
      })(),
    );
    const undeclared = { ...picture('b'), open: async () => endless };
    await expect(conversions.convert(undeclared, { format: 'webp' }, NEVER)).rejects.toMatchObject({ message });
    expect(endless.destroyed).toBe(true);
    expect(await filesOnDisk()).toBe(0);
  });
});

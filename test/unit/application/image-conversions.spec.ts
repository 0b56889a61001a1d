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
import type { TempFile } from '../../../src/application/assets/temp-files';
import { ComfyUIError } from '../../../src/domain/errors';
import { TemporaryFiles } from '../../../src/infrastructure/temp-files/temporary-files';
import { eventually } from '../../support/eventually';
import { NEVER, sourceOf, takenOut } from '../../support/pictures';

const MIB = 1024 * 1024;
const PNG_START = Buffer.from('89504e470d0a1a0a', 'hex');

/** Begins as a PNG does, and goes on anyhow: enough for who does not look into it. */
const picture = (name: string, size = 100) => sourceOf(Buffer.concat([PNG_START, Buffer.alloc(size, name)]));

/** Makes so many bytes of a picture, when it is let. */
class HeldPictures extends ImageConverter {
  readonly atOnce = 2;
  readonly begun: { readonly order: ImageSpec; readonly signal: AbortSignal; finish(error?: Error): void }[] = [];
  madeBytes = 1000;
  most = 0;
  #running = 0;

  async convert(original: TempFile, order: ImageSpec, signal: AbortSignal): Promise<EncodedImage> {
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    const start = await original.read(0, 20);
    await new Promise<void>((resolve, reject) => {
      this.begun.push({ order, signal, finish: (error) => (error ? reject(error) : resolve()) });
    }).finally(() => (this.#running -= 1));
    signal.throwIfAborted();
    const bytes = Buffer.alloc(this.madeBytes, start.subarray(8, 9));
    return { mediaType: `image/${order.format}`, width: 3, height: 2, stream: Readable.from([bytes]) };
  }
}

describe('picture conversions', () => {
  let directory: string;
  let converter: HeldPictures;
  let conversions: ImageConversions;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pictures-spec-'));
    converter = new HeldPictures();
    conversions = new ImageConversions(converter, new TemporaryFiles({ directory, memory: 32 * MIB }));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const filesOnDisk = async () =>
    (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

  const begun = (count: number) => eventually(() => expect(converter.begun).toHaveLength(count));

  /** Lets all go on that begin from now on. */
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

  it('gives the picture as it was made', async () => {
    const made = await finishing(conversions.convert(picture('a'), { format: 'webp', width: 3 }, NEVER));
    expect(made).toMatchObject({ mediaType: 'image/webp', width: 3, height: 2, sizeBytes: 1000 });
    expect((await takenOut(made)).equals(Buffer.alloc(1000, 'a'))).toBe(true);
    expect(converter.begun[0]?.order).toEqual({ format: 'webp', width: 3 });
  });

  it('makes one for all who want the same at once, and another for who wants it otherwise', async () => {
    const source = picture('a');
    const same = Array.from({ length: 5 }, () => conversions.convert(source, { format: 'webp' }, NEVER));
    const other = conversions.convert(source, { format: 'webp', width: 7 }, NEVER);
    const made = await finishing(Promise.all([...same, other]));
    expect(converter.begun).toHaveLength(2);
    for (const each of made) expect((await takenOut(each)).length).toBe(1000);
  });

  it('keeps what was made', async () => {
    await takenOut(await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER)));
    await takenOut(await conversions.convert(picture('a'), { format: 'webp' }, NEVER));
    expect(converter.begun).toHaveLength(1);
    expect(await filesOnDisk()).toBe(1);
  });

  it('keeps no more than 256 MiB, and what is still held', async () => {
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

  it('gives what is too large to be kept, and keeps nothing of it', async () => {
    converter.madeBytes = 257 * MIB;
    const made = await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER));
    expect((await buffer(made.open())).length).toBe(257 * MIB);
    made.release();
    await eventually(async () => expect(await filesOnDisk()).toBe(0));
  });

  it('works at no more at once than is of use, and refuses when too many wait', async () => {
    const names = Array.from({ length: 70 }, (_, i) => `${i} `);
    const all = names.map((name) => conversions.convert(picture(name), { format: 'webp' }, NEVER));
    const settled = await finishing(Promise.allSettled(all));
    expect(converter.most).toBe(2);
    const refused = settled
      .filter((each) => each.status === 'rejected')
      .map(({ reason }) => (reason as ComfyUIError).code);
    expect(refused).toEqual(Array(4).fill('busy'));
  });

  it('stops when all who wait are gone, and not before', async () => {
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

  it('goes on for who still waits, and begins anew for who comes when it was given up', async () => {
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

  it('leaves the source when all are gone while it is read', async () => {
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

  it('leaves the line when all are gone who wait in it', async () => {
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

  it('begins nothing for who is gone already', async () => {
    const open = jest.fn(() => picture('a').open(NEVER));
    const source = { ...picture('a'), open };
    await expect(conversions.convert(source, { format: 'webp' }, AbortSignal.abort(new Error('gone')))).rejects.toThrow(
      'gone',
    );
    expect(open).not.toHaveBeenCalled();
  });

  it('tells all who wait what failed, keeps nothing, and tries again for the next', async () => {
    const waiting = Promise.allSettled([1, 2].map(() => conversions.convert(picture('a'), { format: 'webp' }, NEVER)));
    await begun(1);
    converter.begun[0]!.finish(new ComfyUIError('invalid_request', 'damaged'));
    expect(await waiting).toMatchObject([{ reason: { message: 'damaged' } }, { reason: { message: 'damaged' } }]);
    expect(await filesOnDisk()).toBe(0);
    expect((await finishing(conversions.convert(picture('a'), { format: 'webp' }, NEVER))).sizeBytes).toBe(1000);
  });

  it('passes on what the source fails with', async () => {
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
    ['an SVG that is said to be a PNG', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
    ['a page', '<!doctype html><p>'],
    ['a paper', '%PDF-1.7\n'],
    ['text', 'hello'],
    ['nothing', ''],
  ])('hands %s to nobody', async (_what, text) => {
    const source = sourceOf(Buffer.from(text), 'image/png');
    await expect(conversions.convert(source, { format: 'webp' }, NEVER)).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'The picture can not be converted: its bytes are none.',
    });
    expect(converter.begun).toEqual([]);
    expect(await filesOnDisk()).toBe(0);
  });

  it('refuses files that are too large, by what they are said to be and by what they are', async () => {
    const open = jest.fn(() => picture('a').open(NEVER));
    const told = { ...picture('a'), sizeBytes: 201 * MIB, open };
    const message = 'Pictures of more than 200 MiB can not be converted.';
    await expect(conversions.convert(told, { format: 'webp' }, NEVER)).rejects.toMatchObject({ message });
    expect(open).not.toHaveBeenCalled();
    const piece = Buffer.alloc(MIB, PNG_START);
    const endless = Readable.from(
      (function* () {
        for (;;) yield piece;
      })(),
    );
    const untold = { ...picture('b'), open: async () => endless };
    await expect(conversions.convert(untold, { format: 'webp' }, NEVER)).rejects.toMatchObject({ message });
    expect(endless.destroyed).toBe(true);
    expect(await filesOnDisk()).toBe(0);
  });
});

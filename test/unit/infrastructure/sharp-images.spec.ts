import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { ImageConversions } from '../../../src/application/assets/images/image-conversions';
import type { ImageTransform } from '../../../src/application/assets/images/image-transform';
import { SharpImages } from '../../../src/infrastructure/images/sharp-images';
import { TemporaryFiles } from '../../../src/infrastructure/temp-files/temporary-files';
import { BLUE, flat, NEVER, RED, sourceOf, takenOut } from '../../support/pictures';
import { withText } from '../../support/png';

const MIB = 1024 * 1024;
const WORKFLOW = 'a secret workflow';

let directory: string;
let conversions: ImageConversions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sharp-spec-'));
  conversions = new ImageConversions(new SharpImages(), new TemporaryFiles({ directory, memory: 32 * MIB }));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function converted(bytes: Buffer, mediaType: string, options: ImageTransform) {
  const picture = await conversions.convert(sourceOf(bytes, mediaType), options, NEVER);
  const { width, height, sizeBytes } = picture;
  const made = await takenOut(picture);
  expect(made.length).toBe(sizeBytes);
  const facts = await sharp(made).metadata();
  expect([facts.width, facts.pageHeight ?? facts.height]).toEqual([width, height]);
  return { bytes: made, facts, width, height, mediaType: picture.mediaType };
}

/** Red on the left, blue on the right. */
const twoColours = () =>
  flat(RED).composite([
    { input: { create: { width: 20, height: 20, channels: 3, background: BLUE } }, left: 20, top: 0 },
  ]);

async function pixel(bytes: Buffer, left: number, top: number, page = 0): Promise<number[]> {
  const one = await sharp(bytes, { page })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (top * one.info.width + left) * one.info.channels;
  return [...one.data.subarray(at, at + 3)];
}

function expectColour(found: readonly number[], { r, g, b }: typeof RED): void {
  for (const [index, value] of [r, g, b].entries()) expect(Math.abs(found[index]! - value)).toBeLessThan(16);
}

describe.each(['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const)('a picture that is %s', (from) => {
  it.each([
    ['png', 'png'],
    ['jpeg', 'jpeg'],
    ['webp', 'webp'],
    ['avif', 'heif'],
  ] as const)('becomes %s with the same pixels', async (format, found) => {
    const bytes = await twoColours().toFormat(from).toBuffer();
    const made = await converted(bytes, `image/${from}`, { format });
    expect([made.mediaType, made.facts.format, made.width, made.height]).toEqual([`image/${format}`, found, 40, 20]);
    expectColour(await pixel(made.bytes, 4, 10), RED);
    expectColour(await pixel(made.bytes, 35, 10), BLUE);
  });

  it('is scaled to fit', async () => {
    const bytes = await twoColours().toFormat(from).toBuffer();
    const made = await converted(bytes, `image/${from}`, { width: 20, height: 100 });
    expect([made.width, made.height]).toEqual([20, 10]);
    expectColour(await pixel(made.bytes, 2, 5), RED);
    expectColour(await pixel(made.bytes, 17, 5), BLUE);
  });
});

describe('a converted picture', () => {
  it.each([
    [{ width: 10 }, [10, 5]],
    [{ height: 5 }, [10, 5]],
    [{ width: 20, height: 5 }, [10, 5]],
    [{ width: 1 }, [1, 1]],
    [{ width: 16_384, height: 16_384 }, [40, 20]],
    [{ width: 41 }, [40, 20]],
  ])('is scaled to fit %j and never enlarged', async (options, size) => {
    const made = await converted(await flat(RED).png().toBuffer(), 'image/png', options);
    expect([made.width, made.height]).toEqual(size);
  });

  it('is smaller with less quality, and as a PNG loses nothing', async () => {
    const noise = sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: '#888',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    });
    const bytes = await noise.png().toBuffer();
    for (const format of ['jpeg', 'webp', 'avif'] as const) {
      const [good, bad] = [
        await converted(bytes, 'image/png', { format, quality: 90 }),
        await converted(bytes, 'image/png', { format, quality: 10 }),
      ];
      expect(bad.bytes.length).toBeLessThan(good.bytes.length / 2);
    }
    const png = await converted(bytes, 'image/png', { format: 'png', quality: 1 });
    expect((await sharp(png.bytes).raw().toBuffer()).equals(await sharp(bytes).raw().toBuffer())).toBe(true);
  });

  it('stands upright', async () => {
    const bytes = await twoColours().jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const made = await converted(bytes, 'image/jpeg', { format: 'png' });
    expect([made.width, made.height, made.facts.orientation]).toEqual([20, 40, undefined]);
    expectColour(await pixel(made.bytes, 10, 4), RED);
    expectColour(await pixel(made.bytes, 10, 35), BLUE);
    const small = await converted(bytes, 'image/jpeg', { width: 10 });
    expect([small.width, small.height]).toEqual([10, 20]);
  });

  it.each(['png', 'jpeg', 'webp', 'avif'] as const)('carries no metadata as %s', async (format) => {
    const exif = { IFD0: { ImageDescription: WORKFLOW }, IFD3: { GPSLatitude: '1/1' } };
    const jpeg = await flat(RED).jpeg().withExif(exif).withXmp(`<x>${WORKFLOW}</x>`).toBuffer();
    const png = withText(await flat(RED).png().toBuffer(), 'prompt', WORKFLOW);
    expect(jpeg.includes(WORKFLOW) && png.includes(WORKFLOW)).toBe(true);
    for (const [bytes, mediaType] of [
      [jpeg, 'image/jpeg'],
      [png, 'image/png'],
    ] as const) {
      const made = await converted(bytes, mediaType, { format });
      expect(made.bytes.includes(WORKFLOW)).toBe(false);
      expect([made.facts.exif, made.facts.xmp, made.facts.icc, made.facts.comments]).toEqual(Array(4).fill(undefined));
    }
  });

  it('is white in a JPEG where it was clear', async () => {
    const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    const bytes = await clear.png().toBuffer();
    expectColour(await pixel((await converted(bytes, 'image/png', { format: 'jpeg' })).bytes, 4, 4), {
      r: 255,
      g: 255,
      b: 255,
    });
    expect((await converted(bytes, 'image/png', { format: 'webp' })).facts.hasAlpha).toBe(true);
  });

  describe.each(['gif', 'webp'] as const)('of a moving %s', (from) => {
    const moving = async () => {
      const frames = await Promise.all([RED, BLUE, RED].map((colour) => flat(colour).png().toBuffer()));
      return sharp(frames, { join: { animated: true } })
        .toFormat(from, { delay: 100, loop: 0 })
        .toBuffer();
    };

    it('moves on as WebP, also when it is scaled', async () => {
      for (const options of [{ format: 'webp', width: 20 }, { width: 20 }] as const) {
        const made = await converted(await moving(), `image/${from}`, options);
        expect([made.width, made.height, made.facts.pages, made.facts.delay]).toEqual([20, 10, 3, [100, 100, 100]]);
        expectColour(await pixel(made.bytes, 5, 5, 1), BLUE);
      }
    });

    it.each(['png', 'jpeg', 'avif'] as const)('is its first frame as %s', async (format) => {
      const made = await converted(await moving(), `image/${from}`, { format });
      expect([made.width, made.height, made.facts.pages ?? 1]).toEqual([40, 20, 1]);
      expectColour(await pixel(made.bytes, 20, 10), RED);
    });
  });
});

it('twenty large pictures at once take no more memory than a few', async () => {
  const sources = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      flat({ r: i * 9, g: 0, b: 0 }, 4000, 4000)
        .png({ compressionLevel: 1 })
        .toBuffer(),
    ),
  );
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
  const all = sources.map((bytes) => conversions.convert(sourceOf(bytes), { format: 'webp', width: 2000 }, NEVER));
  for (const picture of await Promise.all(all)) picture.release();
  clearInterval(timer);
  expect((most - before) / MIB).toBeLessThan(500);
}, 120_000);

it('says what to install', async () => {
  jest.resetModules();
  jest.doMock('sharp', () => {
    throw Object.assign(new Error("Cannot find module 'sharp'"), { code: 'MODULE_NOT_FOUND' });
  });
  const path = '../../../src/infrastructure/images/load-sharp';
  const { loadSharp } = jest.requireActual<{ loadSharp: () => unknown }>(path);
  expect(loadSharp).toThrow(
    expect.objectContaining({
      code: 'not_installed',
      message: 'Converting pictures needs the package "sharp", which is not installed: npm install sharp',
    }),
  );
});

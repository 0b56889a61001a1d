import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { ImageConversions } from '../../../src/application/assets/images/image-conversions';
import type { ImageTransform } from '../../../src/application/assets/images/image-transform';
import { SharpImages } from '../../../src/infrastructure/images/sharp-images';
import { TempFiles } from '../../../src/shared/temp-files/temp-files';
import { BLUE, flat, NEVER, RED, sourceOf, takenOut } from '../../support/pictures';
import { withText } from '../../support/png';

const MIB = 1024 * 1024;
const WORKFLOW = 'a secret workflow';

let directory: string;
let conversions: ImageConversions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sharp-spec-'));
  conversions = new ImageConversions(new SharpImages(), new TempFiles({ directory, memory: 32 * MIB }));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function convert(bytes: Buffer, mediaType: string, options: ImageTransform) {
  const image = await conversions.convert(sourceOf(bytes, mediaType), options, NEVER);
  const { width, height, sizeBytes } = image;
  const converted = await takenOut(image);
  expect(converted.length).toBe(sizeBytes);
  const facts = await sharp(converted).metadata();
  expect([facts.width, facts.pageHeight ?? facts.height]).toEqual([width, height]);
  return { bytes: converted, facts, width, height, mediaType: image.mediaType };
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

describe.each(['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const)('an image in the format %s', (from) => {
  it.each([
    ['png', 'png'],
    ['jpeg', 'jpeg'],
    ['webp', 'webp'],
    ['avif', 'heif'],
  ] as const)('is converted to %s with the same pixels', async (format, found) => {
    const bytes = await twoColours().toFormat(from).toBuffer();
    const converted = await convert(bytes, `image/${from}`, { format });
    expect([converted.mediaType, converted.facts.format, converted.width, converted.height]).toEqual([
      `image/${format}`,
      found,
      40,
      20,
    ]);
    expectColour(await pixel(converted.bytes, 4, 10), RED);
    expectColour(await pixel(converted.bytes, 35, 10), BLUE);
  });

  it('is scaled to fit', async () => {
    const bytes = await twoColours().toFormat(from).toBuffer();
    const converted = await convert(bytes, `image/${from}`, { width: 20, height: 100 });
    expect([converted.width, converted.height]).toEqual([20, 10]);
    expectColour(await pixel(converted.bytes, 2, 5), RED);
    expectColour(await pixel(converted.bytes, 17, 5), BLUE);
  });
});

describe('a converted image', () => {
  it.each([
    [{ width: 10 }, [10, 5]],
    [{ height: 5 }, [10, 5]],
    [{ width: 20, height: 5 }, [10, 5]],
    [{ width: 1 }, [1, 1]],
    [{ width: 16_384, height: 16_384 }, [40, 20]],
    [{ width: 41 }, [40, 20]],
  ])('is scaled to fit %j and never enlarged', async (options, size) => {
    const converted = await convert(await flat(RED).png().toBuffer(), 'image/png', options);
    expect([converted.width, converted.height]).toEqual(size);
  });

  it('is smaller with lower quality, and lossless as a PNG', async () => {
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
        await convert(bytes, 'image/png', { format, quality: 90 }),
        await convert(bytes, 'image/png', { format, quality: 10 }),
      ];
      expect(bad.bytes.length).toBeLessThan(good.bytes.length / 2);
    }
    const png = await convert(bytes, 'image/png', { format: 'png', quality: 1 });
    expect((await sharp(png.bytes).raw().toBuffer()).equals(await sharp(bytes).raw().toBuffer())).toBe(true);
  });

  it('is upright', async () => {
    const bytes = await twoColours().jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const converted = await convert(bytes, 'image/jpeg', { format: 'png' });
    expect([converted.width, converted.height, converted.facts.orientation]).toEqual([20, 40, undefined]);
    expectColour(await pixel(converted.bytes, 10, 4), RED);
    expectColour(await pixel(converted.bytes, 10, 35), BLUE);
    const small = await convert(bytes, 'image/jpeg', { width: 10 });
    expect([small.width, small.height]).toEqual([10, 20]);
  });

  it.each(['png', 'jpeg', 'webp', 'avif'] as const)('has no metadata as %s', async (format) => {
    const exif = { IFD0: { ImageDescription: WORKFLOW }, IFD3: { GPSLatitude: '1/1' } };
    const jpeg = await flat(RED).jpeg().withExif(exif).withXmp(`<x>${WORKFLOW}</x>`).toBuffer();
    const png = withText(await flat(RED).png().toBuffer(), 'prompt', WORKFLOW);
    expect(jpeg.includes(WORKFLOW) && png.includes(WORKFLOW)).toBe(true);
    for (const [bytes, mediaType] of [
      [jpeg, 'image/jpeg'],
      [png, 'image/png'],
    ] as const) {
      const converted = await convert(bytes, mediaType, { format });
      expect(converted.bytes.includes(WORKFLOW)).toBe(false);
      expect([converted.facts.exif, converted.facts.xmp, converted.facts.icc, converted.facts.comments]).toEqual(
        Array(4).fill(undefined),
      );
    }
  });

  it('has a white background in a JPEG where it was transparent', async () => {
    const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    const bytes = await clear.png().toBuffer();
    expectColour(await pixel((await convert(bytes, 'image/png', { format: 'jpeg' })).bytes, 4, 4), {
      r: 255,
      g: 255,
      b: 255,
    });
    expect((await convert(bytes, 'image/png', { format: 'webp' })).facts.hasAlpha).toBe(true);
  });

  describe.each(['gif', 'webp'] as const)('of an animated %s', (from) => {
    const moving = async () => {
      const frames = await Promise.all([RED, BLUE, RED].map((colour) => flat(colour).png().toBuffer()));
      return sharp(frames, { join: { animated: true } })
        .toFormat(from, { delay: 100, loop: 0 })
        .toBuffer();
    };

    it('is animated as WebP, also if it is scaled', async () => {
      for (const options of [{ format: 'webp', width: 20 }, { width: 20 }] as const) {
        const converted = await convert(await moving(), `image/${from}`, options);
        expect([converted.width, converted.height, converted.facts.pages, converted.facts.delay]).toEqual([
          20,
          10,
          3,
          [100, 100, 100],
        ]);
        expectColour(await pixel(converted.bytes, 5, 5, 1), BLUE);
      }
    });

    it.each(['png', 'jpeg', 'avif'] as const)('is its first frame as %s', async (format) => {
      const converted = await convert(await moving(), `image/${from}`, { format });
      expect([converted.width, converted.height, converted.facts.pages ?? 1]).toEqual([40, 20, 1]);
      expectColour(await pixel(converted.bytes, 20, 10), RED);
    });
  });
});

it('twenty concurrent conversions of large images need no more memory than a few', async () => {
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
  for (const image of await Promise.all(all)) image.release();
  clearInterval(timer);
  expect((most - before) / MIB).toBeLessThan(500);
}, 120_000);

it('the error names the package to install', async () => {
  jest.resetModules();
  jest.doMock('sharp', () => {
    throw Object.assign(new Error("Cannot find module 'sharp'"), { code: 'MODULE_NOT_FOUND' });
  });
  const path = '../../../src/infrastructure/images/load-sharp';
  const { loadSharp } = jest.requireActual<{ loadSharp: () => unknown }>(path);
  expect(loadSharp).toThrow(
    expect.objectContaining({
      code: 'not_installed',
      message: 'Converting images needs the package "sharp", which is not installed: npm install sharp',
    }),
  );
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { ImageConversions } from '../../../src/application/assets/images/image-conversions';
import type { ImageTransform } from '../../../src/application/assets/images/image-transform';
import { SharpImages } from '../../../src/infrastructure/images/sharp-images';
import { TempFiles } from '../../../src/shared/temp-files/temp-files';
import { BLUE, flat, NEVER, RED, sourceOf, takenOut } from '../../support/pictures';
import { pngOf } from '../../support/png';

const MIB = 1024 * 1024;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sharp-spec-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('an image that cannot be converted is refused without side effects:', () => {
  async function refusal(bytes: Buffer, options: ImageTransform = { format: 'webp' }, mediaType = 'image/png') {
    const tempDirectory = await mkdtemp(join(directory, 'temp-'));
    const tempFiles = new TempFiles({ directory: tempDirectory, memory: 32 * MIB });
    const conversions = new ImageConversions(new SharpImages(), tempFiles);
    const conversion = conversions.convert(sourceOf(bytes, mediaType), options, NEVER);
    const error = await conversion.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ name: 'ComfyUIError', code: 'invalid_request' });
    const { message } = error as Error;
    expect(message).not.toContain(directory);
    const entries = await readdir(tempDirectory, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile())).toEqual([]);
    const good = await conversions.convert(sourceOf(await flat(RED).png().toBuffer()), { width: 3 }, NEVER);
    expect(await sharp(await takenOut(good)).metadata()).toMatchObject({ width: 3 });
    return message;
  }

  const start = Buffer.from('89504e470d0a1a0a', 'hex');

  it('a PNG with invalid content', async () => {
    expect(await refusal(Buffer.concat([start, Buffer.alloc(3 * MIB, 'no png')]))).toContain('damaged');
    expect(await refusal(Buffer.concat([start, Buffer.from('x')]))).toContain('damaged');
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const)('a truncated %s', async (format) => {
    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
    const whole = await sharp({ create: { width: 400, height: 400, channels: 3, background: '#888', noise } })
      .toFormat(format)
      .toBuffer();
    expect(await refusal(whole.subarray(0, whole.length / 2), { format: 'png' }, `image/${format}`)).toContain(
      'damaged',
    );
  });

  it('an image with too many pixels', async () => {
    expect(await refusal(pngOf(20_000, 20_000))).toBe(
      'The image has 400.0 million pixels; up to 67.1 million can be converted.',
    );
    expect(await refusal(pngOf(2_147_483_647, 2_147_483_647))).toMatch(/damaged|million pixels/);
  });

  it('an image with fewer pixels than its header declares', async () => {
    expect(await refusal(pngOf(8_000, 8_000, deflateSync(Buffer.alloc(1000))))).toContain('damaged');
  });

  it('an animation with too many pixels in all frames', async () => {
    const frames = Array.from({ length: 70 }, (_, i) =>
      flat(i % 2 ? RED : BLUE, 1000, 1000)
        .png()
        .toBuffer(),
    );
    const gif = await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif({ loop: 0 })
      .toBuffer();
    expect(await refusal(gif, { format: 'webp' }, 'image/gif')).toContain('70.0 million pixels');
  });

  it('an image above the limits of the format', async () => {
    const long = await flat(RED, 16_384, 2).png().toBuffer();
    expect(await refusal(long, { format: 'webp' })).toContain('16384 x 2');
    const large = await flat(RED, 5000, 4000).png().toBuffer();
    expect(await refusal(large, { format: 'avif' })).toContain('Request a smaller width or height.');
  });
});

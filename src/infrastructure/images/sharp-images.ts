import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import type { Sharp } from 'sharp';
import {
  type EncodedImage,
  ImageConverter,
  type ImageFormat,
  type ImageSpec,
} from '../../application/assets/images/image-converter';
import type { TempFile } from '../../application/assets/temp-files';
import { WeightedSemaphore } from '../../shared/weighted-semaphore';
import { ComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { loadSharp } from './load-sharp';
import { MOST_PIXELS, planFor } from './image-plan';

/** sharp works on the threads of libuv, four as a rule: one is left for files and names. */
const AT_ONCE = Math.min(3, availableParallelism());
/** For all at work together; one that needs more has it to itself. */
const MEMORY_BYTES = 512 * 1024 * 1024;
const PATIENCE_SECONDS = 120;
/** Of AVIF, 0..9: several times as fast as the default of 4, and hardly larger. */
const AVIF_EFFORT = 2;

const ENCODED: Readonly<Record<ImageFormat, (picture: Sharp, quality: number | undefined) => Sharp>> = {
  png: (picture) => picture.png(),
  jpeg: (picture, quality) => picture.flatten({ background: '#ffffff' }).jpeg({ quality }),
  webp: (picture, quality) => picture.webp({ quality }),
  avif: (picture, quality) => picture.avif({ quality, effort: AVIF_EFFORT }),
};

type Input = string | Buffer;

/** Pictures by libvips. What runs can not be stopped, only what waits. */
@Injectable()
export class SharpImages extends ImageConverter {
  readonly atOnce = AT_ONCE;
  readonly #memory = new WeightedSemaphore(MEMORY_BYTES);

  async convert(picture: TempFile, order: ImageSpec, signal: AbortSignal): Promise<EncodedImage> {
    const sharp = loadSharp();
    const input = picture.path ?? (await buffer(picture.open()));
    const facts = await told(input, () => sharp(input, { limitInputPixels: false }).metadata());
    const { isAnimated, memory } = planFor(facts, order);
    const giveBack = await this.#memory.enter(memory, signal);
    try {
      const options = { animated: isAnimated, limitInputPixels: MOST_PIXELS, failOn: 'error' } as const;
      const { data, info } = await told(input, () =>
        written(sharp(input, options), order).toBuffer({ resolveWithObject: true }),
      );
      signal.throwIfAborted();
      const height = info.pageHeight ?? info.height;
      return { mediaType: `image/${order.format}`, width: info.width, height, stream: Readable.from([data]) };
    } finally {
      giveBack();
    }
  }
}

/** sharp leaves all metadata out unless it is asked for. */
function written(picture: Sharp, { format, quality, width, height }: ImageSpec): Sharp {
  const upright = picture.timeout({ seconds: PATIENCE_SECONDS }).autoOrient();
  const isScaled = width !== undefined || height !== undefined;
  const scaled = isScaled ? upright.resize({ width, height, fit: 'inside', withoutEnlargement: true }) : upright;
  return ENCODED[format](scaled, quality);
}

/** What libvips says of a picture, without where it is. */
async function told<T>(input: Input, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const says = error instanceof Error ? error.message : '';
    const reason = typeof input === 'string' ? says.replaceAll(input, 'the file') : says;
    const message = `The picture can not be converted, it seems to be damaged: ${oneLine(reason, 200)}`;
    throw new ComfyUIError('invalid_request', message, { cause: error });
  }
}

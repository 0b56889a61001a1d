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
import type { TempFile } from '../../shared/temp-files/temp-file';
import { WeightedSemaphore } from '../../shared/weighted-semaphore';
import { ComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { loadSharp } from './load-sharp';
import { MOST_PIXELS, planFor } from './image-plan';

/** sharp uses the threads of libuv, four by default: one stays free for file access and DNS. */
const AT_ONCE = Math.min(3, availableParallelism());
/** Memory of all concurrent conversions; one that needs more runs alone. */
const MEMORY_BYTES = 512 * 1024 * 1024;
const TIMEOUT_SECONDS = 120;
/** AVIF effort, 0..9: several times as fast as the default of 4, with hardly larger files. */
const AVIF_EFFORT = 2;

const ENCODERS: Readonly<Record<ImageFormat, (image: Sharp, quality: number | undefined) => Sharp>> = {
  png: (image) => image.png(),
  jpeg: (image, quality) => image.flatten({ background: '#ffffff' }).jpeg({ quality }),
  webp: (image, quality) => image.webp({ quality }),
  avif: (image, quality) => image.avif({ quality, effort: AVIF_EFFORT }),
};

type Input = string | Buffer;

/** Converts images with libvips. A running conversion cannot be aborted, only a waiting one. */
@Injectable()
export class SharpImages extends ImageConverter {
  readonly atOnce = AT_ONCE;
  readonly #memory = new WeightedSemaphore(MEMORY_BYTES);

  async convert(image: TempFile, spec: ImageSpec, signal: AbortSignal): Promise<EncodedImage> {
    const sharp = loadSharp();
    const input = image.path ?? (await buffer(image.open()));
    const metadata = await withErrors(input, () => sharp(input, { limitInputPixels: false }).metadata());
    const { isAnimated, memory } = planFor(metadata, spec);
    const release = await this.#memory.enter(memory, signal);
    try {
      const options = { animated: isAnimated, limitInputPixels: MOST_PIXELS, failOn: 'error' } as const;
      const { data, info } = await withErrors(input, () =>
        transformed(sharp(input, options), spec).toBuffer({ resolveWithObject: true }),
      );
      signal.throwIfAborted();
      const height = info.pageHeight ?? info.height;
      return { mediaType: `image/${spec.format}`, width: info.width, height, stream: Readable.from([data]) };
    } finally {
      release();
    }
  }
}

/** sharp drops all metadata by default. */
function transformed(image: Sharp, { format, quality, width, height }: ImageSpec): Sharp {
  const upright = image.timeout({ seconds: TIMEOUT_SECONDS }).autoOrient();
  const isScaled = width !== undefined || height !== undefined;
  const scaled = isScaled ? upright.resize({ width, height, fit: 'inside', withoutEnlargement: true }) : upright;
  return ENCODERS[format](scaled, quality);
}

/** Converts the errors of libvips, without the path of the file. */
async function withErrors<T>(input: Input, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    const reason = typeof input === 'string' ? text.replaceAll(input, 'the file') : text;
    const message = `The image cannot be converted, it may be damaged: ${oneLine(reason, 200)}`;
    throw new ComfyUIError('invalid_request', message, { cause: error });
  }
}

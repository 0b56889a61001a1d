import { addAbortSignal, type Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ComfyUIError } from '../../../domain/errors';
import { sniff } from '../../../shared/media/sniff';
import { ownSignal } from '../../../shared/own-signal';
import { ImageConverter, type ImageSpec } from './image-converter';
import type { TempFile } from '../../../shared/temp-files/temp-file';
import { TempFiles } from '../../../shared/temp-files/temp-files';
import { type ConvertedImage, CachedImage } from './cached-image';
import { cacheKey, imageSpec, isConvertible, type ImageTransform } from './image-transform';
import { WeightedSemaphore } from '../../../shared/weighted-semaphore';
import { SingleFlightTask } from '../../../shared/single-flight-task';

/** An image to be converted. */
export interface ImageSource {
  /** Of the bytes, 64 hex digits. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** All bytes. Also called after the caller left, while others wait for the same conversion. */
  open(signal: AbortSignal): Promise<Readable>;
}

const MIB = 1024 * 1024;
const MAX_BYTES = 200 * MIB;
const CACHE = { bytes: 256 * MIB, images: 5_000 } as const;
const MAX_WAITING = 64;
/** Cached images go to disk: the memory of temp files is for files in transit. */
const TO_DISK = Number.MAX_SAFE_INTEGER;

/** Images in other formats and sizes: callers of the same conversion share one run, and its image is cached. */
@Injectable()
export class ImageConversions {
  readonly #slots: WeightedSemaphore;
  readonly #current = new Map<string, SingleFlightTask<ConvertedImage>>();
  readonly #cache = new LRUCache<string, CachedImage>({
    max: CACHE.images,
    maxSize: CACHE.bytes,
    sizeCalculation: ({ sizeBytes }) => Math.max(1, sizeBytes),
    dispose: (image) => image.release(),
  });

  constructor(
    private readonly converter: ImageConverter,
    private readonly tempFiles: TempFiles,
  ) {
    this.#slots = new WeightedSemaphore(converter.atOnce, MAX_WAITING, busy);
  }

  /**
   * The key of a conversion, without running it. As an entity tag it must be weak: another version of the converter may
   * encode other bytes.
   * @throws ComfyUIError `invalid_request`
   */
  cacheKey({ sha256, mediaType }: Pick<ImageSource, 'sha256' | 'mediaType'>, transform: ImageTransform): string {
    return cacheKey(sha256, imageSpec(mediaType, transform));
  }

  /**
   * The converted image, upright, without metadata. Animations stay animated as WebP; other formats get the first frame.
   * The conversion is aborted when the last caller has left.
   * @throws ComfyUIError `invalid_request` for other files, damaged or too large images, `busy`, `not_installed`; what the
   * source throws; the signal's reason
   */
  async convert(source: ImageSource, transform: ImageTransform, signal: AbortSignal): Promise<ConvertedImage> {
    signal.throwIfAborted();
    const spec = imageSpec(source.mediaType, transform);
    if (source.sizeBytes > MAX_BYTES) throw tooLarge();
    const key = cacheKey(source.sha256, spec);
    const cached = this.#cache.get(key);
    if (cached) return cached.hold();
    return this.#conversion(key, source, spec).wait(ownSignal(signal));
  }

  #conversion(key: string, source: ImageSource, spec: ImageSpec): SingleFlightTask<ConvertedImage> {
    const current = this.#current.get(key);
    if (current && !current.isAbandoned) return current;
    const work = new SingleFlightTask<ConvertedImage>(async (signal) => {
      const image = await this.#convert(source, spec, signal);
      this.#store(key, image);
      return image;
    });
    this.#current.set(key, work);
    void work.over.then(() => {
      if (this.#current.get(key) === work) this.#current.delete(key);
    });
    return work;
  }

  async #convert(source: ImageSource, spec: ImageSpec, signal: AbortSignal): Promise<CachedImage> {
    const leave = await this.#slots.enter(1, signal);
    try {
      const original = await this.#fetch(source, signal);
      try {
        const { stream, ...encoded } = await this.converter.convert(original, spec, signal);
        return new CachedImage(encoded, await this.tempFiles.write(stream as AsyncIterable<Buffer>, TO_DISK));
      } finally {
        await original.discard();
      }
    } finally {
      leave();
    }
  }

  /** Checks the first bytes instead of the media type: the converter also decodes formats that are not safe to decode. */
  async #fetch(source: ImageSource, signal: AbortSignal): Promise<TempFile> {
    const stream = addAbortSignal(signal, await source.open(signal));
    const original = await this.tempFiles.write(upTo(MAX_BYTES, stream as AsyncIterable<Buffer>), source.sizeBytes);
    if (isConvertible(await sniff(original.head, original.sizeBytes, { filename: '' }))) return original;
    await original.discard();
    throw new ComfyUIError('invalid_request', 'The file cannot be converted: its bytes are not an image.');
  }

  #store(key: string, image: CachedImage): void {
    this.#cache.set(key, image);
    if (this.#cache.peek(key) === image) image.retain();
  }
}

async function* upTo(max: number, stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let read = 0;
  for await (const piece of stream) {
    read += piece.length;
    if (read > max) throw tooLarge();
    yield piece;
  }
}

function tooLarge(): ComfyUIError {
  return new ComfyUIError('invalid_request', `Images of more than ${MAX_BYTES / MIB} MiB cannot be converted.`);
}

function busy(): ComfyUIError {
  return new ComfyUIError('busy', 'Too many image conversions are waiting: try again in a moment.');
}

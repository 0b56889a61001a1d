import { addAbortSignal, type Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ComfyUIError } from '../../../domain/errors';
import { sniff } from '../../../shared/media/sniff';
import { ownSignal } from '../../../shared/own-signal';
import { ImageConverter, type ImageSpec } from './image-converter';
import { TempFiles, type TempFile } from '../temp-files';
import { type ConvertedImage, CachedImage } from './cached-image';
import { isConvertible, nameOfOrder, orderFor, type ImageTransform } from './image-transform';
import { WeightedSemaphore } from '../../../shared/weighted-semaphore';
import { SharedWork } from '../../../shared/shared-work';

/** A picture to be converted. */
export interface PictureSource {
  /** Of the bytes, 64 hex digits. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** All bytes. For a caller who is gone it may still be asked, when others wait for the same. */
  open(signal: AbortSignal): Promise<Readable>;
}

const MIB = 1024 * 1024;
const LARGEST_BYTES = 200 * MIB;
/** Of pictures that were converted lately. */
const KEPT = { bytes: 256 * MIB, pictures: 5_000 } as const;
const LONGEST_LINE = 64;
/** What is kept for long leaves the spool's memory to files on their way. */
const TO_DISK = Number.MAX_SAFE_INTEGER;

/** Pictures in other formats and sizes: each is made once for all who want it so, and kept for a while. */
@Injectable()
export class ImageConversions {
  readonly #places: WeightedSemaphore;
  readonly #current = new Map<string, SharedWork<ConvertedImage>>();
  readonly #kept = new LRUCache<string, CachedImage>({
    max: KEPT.pictures,
    maxSize: KEPT.bytes,
    sizeCalculation: ({ sizeBytes }) => Math.max(1, sizeBytes),
    dispose: (picture) => picture.release(),
  });

  constructor(
    private readonly converter: ImageConverter,
    private readonly tempFiles: TempFiles,
  ) {
    this.#places = new WeightedSemaphore(converter.atOnce, LONGEST_LINE, busy);
  }

  /**
   * One name for one picture as it is wanted, without making it: fit for an entity tag, which must be weak, for another
   * version of the converter may make other bytes.
   * @throws ComfyUIError `invalid_request`
   */
  nameOf({ sha256, mediaType }: Pick<PictureSource, 'sha256' | 'mediaType'>, options: ImageTransform): string {
    return nameOfOrder(sha256, orderFor(mediaType, options));
  }

  /**
   * The picture as it is wanted, upright, without metadata; an animation moves on as WebP, and is its first frame otherwise.
   * It stops when nobody waits for it any more.
   * @throws ComfyUIError `invalid_request` for what is no picture, damaged or too large, `busy`, `not_installed`; what the
   * source throws; the signal's reason
   */
  async convert(source: PictureSource, options: ImageTransform, signal: AbortSignal): Promise<ConvertedImage> {
    signal.throwIfAborted();
    const order = orderFor(source.mediaType, options);
    if (source.sizeBytes > LARGEST_BYTES) throw tooLarge();
    const name = nameOfOrder(source.sha256, order);
    const kept = this.#kept.get(name);
    if (kept) return kept.hold();
    return this.#workOn(name, source, order).wait(ownSignal(signal));
  }

  #workOn(name: string, source: PictureSource, order: ImageSpec): SharedWork<ConvertedImage> {
    const current = this.#current.get(name);
    if (current && !current.isAbandoned) return current;
    const work = new SharedWork<ConvertedImage>(async (signal) => {
      const picture = await this.#make(source, order, signal);
      this.#keep(name, picture);
      return picture;
    });
    this.#current.set(name, work);
    void work.over.then(() => {
      if (this.#current.get(name) === work) this.#current.delete(name);
    });
    return work;
  }

  async #make(source: PictureSource, order: ImageSpec, signal: AbortSignal): Promise<CachedImage> {
    const leave = await this.#places.enter(1, signal);
    try {
      const original = await this.#fetch(source, signal);
      try {
        const { stream, ...made } = await this.converter.convert(original, order, signal);
        return new CachedImage(made, await this.tempFiles.write(stream as AsyncIterable<Buffer>, TO_DISK));
      } finally {
        await original.discard();
      }
    } finally {
      leave();
    }
  }

  /** Whatever somebody said it is: the converter knows more kinds than it should be given. */
  async #fetch(source: PictureSource, signal: AbortSignal): Promise<TempFile> {
    const stream = addAbortSignal(signal, await source.open(signal));
    const original = await this.tempFiles.write(upTo(LARGEST_BYTES, stream as AsyncIterable<Buffer>), source.sizeBytes);
    if (isConvertible(await sniff(original.head, original.sizeBytes, { filename: '' }))) return original;
    await original.discard();
    throw new ComfyUIError('invalid_request', 'The picture can not be converted: its bytes are none.');
  }

  #keep(name: string, picture: CachedImage): void {
    this.#kept.set(name, picture);
    if (this.#kept.peek(name) === picture) picture.retain();
  }
}

async function* upTo(most: number, stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let read = 0;
  for await (const piece of stream) {
    read += piece.length;
    if (read > most) throw tooLarge();
    yield piece;
  }
}

function tooLarge(): ComfyUIError {
  return new ComfyUIError('invalid_request', `Pictures of more than ${LARGEST_BYTES / MIB} MiB can not be converted.`);
}

function busy(): ComfyUIError {
  return new ComfyUIError('busy', 'As many pictures wait to be converted as may: try again in a moment.');
}

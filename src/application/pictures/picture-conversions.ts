import { addAbortSignal, type Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ComfyUIError } from '../../domain/errors';
import { sniff } from '../media/sniff';
import { ownSignal } from '../own-signal';
import { PictureConverter, type PictureOrder } from '../ports/picture-converter';
import { Spool, type SpooledFile } from '../ports/spool';
import { type ConvertedPicture, KeptPicture } from './kept-picture';
import { isConvertible, nameOfOrder, orderFor, type PictureWish } from './picture-wish';
import { Room } from './room';
import { SharedWork } from './shared-work';

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
export class PictureConversions {
  readonly #places: Room;
  readonly #current = new Map<string, SharedWork<ConvertedPicture>>();
  readonly #kept = new LRUCache<string, KeptPicture>({
    max: KEPT.pictures,
    maxSize: KEPT.bytes,
    sizeCalculation: ({ sizeBytes }) => Math.max(1, sizeBytes),
    dispose: (picture) => picture.release(),
  });

  constructor(
    private readonly converter: PictureConverter,
    private readonly spool: Spool,
  ) {
    this.#places = new Room(converter.atOnce, LONGEST_LINE);
  }

  /**
   * One name for one picture as it is wanted, without making it: fit for an entity tag, which must be weak, for another
   * version of the converter may make other bytes.
   * @throws ComfyUIError `invalid_request`
   */
  nameOf({ sha256, mediaType }: Pick<PictureSource, 'sha256' | 'mediaType'>, wish: PictureWish): string {
    return nameOfOrder(sha256, orderFor(mediaType, wish));
  }

  /**
   * The picture as it is wanted, upright, without metadata; an animation moves on as WebP, and is its first frame otherwise.
   * It stops when nobody waits for it any more.
   * @throws ComfyUIError `invalid_request` for what is no picture, damaged or too large, `busy`, `not_installed`; what the
   * source throws; the signal's reason
   */
  async convert(source: PictureSource, wish: PictureWish, signal: AbortSignal): Promise<ConvertedPicture> {
    signal.throwIfAborted();
    const order = orderFor(source.mediaType, wish);
    if (source.sizeBytes > LARGEST_BYTES) throw tooLarge();
    const name = nameOfOrder(source.sha256, order);
    const kept = this.#kept.get(name);
    if (kept) return kept.hold();
    return this.#workOn(name, source, order).wait(ownSignal(signal));
  }

  #workOn(name: string, source: PictureSource, order: PictureOrder): SharedWork<ConvertedPicture> {
    const current = this.#current.get(name);
    if (current && !current.isAbandoned) return current;
    const work = new SharedWork<ConvertedPicture>(async (signal) => {
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

  async #make(source: PictureSource, order: PictureOrder, signal: AbortSignal): Promise<KeptPicture> {
    const leave = await this.#places.enter(1, signal);
    try {
      const original = await this.#fetch(source, signal);
      try {
        const { stream, ...made } = await this.converter.convert(original, order, signal);
        return new KeptPicture(made, await this.spool.write(stream as AsyncIterable<Buffer>, TO_DISK));
      } finally {
        await original.discard();
      }
    } finally {
      leave();
    }
  }

  /** Whatever somebody said it is: the converter knows more kinds than it should be given. */
  async #fetch(source: PictureSource, signal: AbortSignal): Promise<SpooledFile> {
    const stream = addAbortSignal(signal, await source.open(signal));
    const original = await this.spool.write(upTo(LARGEST_BYTES, stream as AsyncIterable<Buffer>), source.sizeBytes);
    if (isConvertible(await sniff(original.head, original.sizeBytes, { filename: '' }))) return original;
    await original.discard();
    throw new ComfyUIError('invalid_request', 'The picture can not be converted: its bytes are none.');
  }

  #keep(name: string, picture: KeptPicture): void {
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

import type { Readable } from 'node:stream';
import type { EncodedImage } from './image-converter';
import type { TempFile } from '../temp-files';

/** A picture as it was wanted. Its bytes are held until {@link release}. */
export interface ConvertedImage {
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels; of an animation those of one frame. */
  readonly width: number;
  readonly height: number;
  /** A fresh stream of all bytes; as often as needed. */
  open(): Readable;
  /** Call it when all that was opened is read, or destroyed. */
  release(): void;
}

/** A converted picture in the spool, which goes when nobody holds it any more. */
export class CachedImage {
  #holders = 1;

  constructor(
    private readonly made: Omit<EncodedImage, 'stream'>,
    private readonly bytes: TempFile,
  ) {}

  get sizeBytes(): number {
    return this.bytes.sizeBytes;
  }

  /** A share for one caller. */
  hold(): ConvertedImage {
    this.retain();
    let isHeld = true;
    const release = () => {
      if (isHeld) this.release();
      isHeld = false;
    };
    const { mediaType, width, height } = this.made;
    return { mediaType, width, height, sizeBytes: this.sizeBytes, open: () => this.bytes.open(), release };
  }

  /** Without a share: it is made held so. */
  retain(): void {
    this.#holders += 1;
  }

  /** Gives back what {@link retain} took. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.bytes.discard().catch(() => undefined);
  }
}

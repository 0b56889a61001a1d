import type { Readable } from 'node:stream';
import type { EncodedImage } from './image-converter';
import type { TempFile } from '../../../shared/temp-files/temp-file';

/** A converted image for one caller. Its bytes are held until {@link release}. */
export interface ConvertedImage {
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels; of an animation those of one frame. */
  readonly width: number;
  readonly height: number;
  /** A fresh stream of all bytes; as often as needed. */
  open(): Readable;
  /** Call it when every opened stream has ended or is destroyed. */
  release(): void;
}

/** A converted image in a temp file, deleted when the last holder releases it. */
export class CachedImage {
  #holders = 1;

  constructor(
    private readonly encoded: Omit<EncodedImage, 'stream'>,
    private readonly bytes: TempFile,
  ) {}

  get sizeBytes(): number {
    return this.bytes.sizeBytes;
  }

  /** A hold for one caller, which may release it more than once. */
  hold(): ConvertedImage {
    this.retain();
    let isHeld = true;
    const release = () => {
      if (isHeld) this.release();
      isHeld = false;
    };
    const { mediaType, width, height } = this.encoded;
    return { mediaType, width, height, sizeBytes: this.sizeBytes, open: () => this.bytes.open(), release };
  }

  /** Adds a holder; the constructor has added the first. */
  retain(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.bytes.discard().catch(() => undefined);
  }
}

import type { Readable } from 'node:stream';
import type { TempFile } from '../temp-files';

export const IMAGE_FORMATS = ['png', 'jpeg', 'webp', 'avif'] as const;

export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** Whole numbers. */
export interface ImageSpec {
  readonly format: ImageFormat;
  /** 1..100; left out where the format has none, or its own default is meant. */
  readonly quality?: number;
  /** Pixels it may have at most; the picture keeps its shape, and is never enlarged. */
  readonly width?: number;
  readonly height?: number;
}

export interface EncodedImage {
  readonly mediaType: string;
  /** Pixels; of an animation those of one frame. */
  readonly width: number;
  readonly height: number;
  /** All of it is there. */
  readonly stream: Readable;
}

/** Makes pictures of pictures. What it makes is upright and carries no metadata. */
export abstract class ImageConverter {
  /** More at once are of no use here. */
  abstract readonly atOnce: number;

  /**
   * Settles when nothing is at work any more: work that can not be stopped is waited for, then the signal's reason is thrown.
   * @param picture by its first bytes a PNG, JPEG, WebP, GIF, AVIF or TIFF; all else may be anything
   * @throws ComfyUIError `invalid_request` when it is damaged or too large, `not_installed`
   */
  abstract convert(picture: TempFile, order: ImageSpec, signal: AbortSignal): Promise<EncodedImage>;
}

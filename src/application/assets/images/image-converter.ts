import type { Readable } from 'node:stream';
import type { TempFile } from '../../../shared/temp-files/temp-file';

export const IMAGE_FORMATS = ['png', 'jpeg', 'webp', 'avif'] as const;

export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** Whole numbers. */
export interface ImageSpec {
  readonly format: ImageFormat;
  /** 1..100; undefined for formats without a quality, and for the default of the format. */
  readonly quality?: number;
  /** Largest width and height in pixels; the aspect ratio stays, and the image is never enlarged. */
  readonly width?: number;
  readonly height?: number;
}

export interface EncodedImage {
  readonly mediaType: string;
  /** Pixels; of an animation those of one frame. */
  readonly width: number;
  readonly height: number;
  /** All bytes, already encoded. */
  readonly stream: Readable;
}

/** Converts images. The converted image is upright and has no metadata. */
export abstract class ImageConverter {
  /** Number of conversions that run in parallel; more bring no speed. */
  abstract readonly atOnce: number;

  /**
   * Settles when no work of it is left: native work that cannot be aborted is awaited, then the signal's reason is thrown.
   * @param image by its first bytes a PNG, JPEG, WebP, GIF, AVIF or TIFF; the rest is not trusted
   * @throws ComfyUIError `invalid_request` when it is damaged or too large, `not_installed`
   */
  abstract convert(image: TempFile, spec: ImageSpec, signal: AbortSignal): Promise<EncodedImage>;
}

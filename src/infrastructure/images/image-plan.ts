import type { Metadata } from 'sharp';
import type { ImageFormat, ImageSpec } from '../../application/assets/images/image-converter';
import { ComfyUIError } from '../../domain/errors';

/** How an image is converted, and the memory that it needs. */
export interface ConversionPlan {
  /** Whether all frames are converted. */
  readonly isAnimated: boolean;
  /** Estimated bytes, above the measured values. */
  readonly memory: number;
}

/** Pixels of all frames together. A decoded image of 8192 x 8192 has 268 MB. */
export const MOST_PIXELS = 8192 * 8192;

interface Encoder {
  /** Maximum pixels per side of the format or its encoder. */
  readonly longestSide: number;
  readonly mostPixels: number;
  /** Memory of the encoder per pixel. */
  readonly bytesPerPixel: number;
}

const ENCODERS: Readonly<Record<ImageFormat, Encoder>> = {
  png: { longestSide: 16_384, mostPixels: MOST_PIXELS, bytesPerPixel: 8 },
  jpeg: { longestSide: 16_384, mostPixels: MOST_PIXELS, bytesPerPixel: 8 },
  webp: { longestSide: 16_383, mostPixels: MOST_PIXELS, bytesPerPixel: 16 },
  avif: { longestSide: 16_384, mostPixels: 4096 * 4096, bytesPerPixel: 48 },
};

const DECODED_BYTES_PER_PIXEL = 4;

/** Input formats whose frames are all converted if the output format is WebP. */
const ANIMATED_FORMATS = new Set(['gif', 'webp']);

/** @throws ComfyUIError `invalid_request` if the image or the result of its conversion is too large */
export function planFor(image: Metadata, spec: ImageSpec): ConversionPlan {
  const frames = ANIMATED_FORMATS.has(image.format) && spec.format === 'webp' ? (image.pages ?? 1) : 1;
  const pixels = image.width * (image.pageHeight ?? image.height) * frames;
  if (pixels > MOST_PIXELS)
    throw refuse(`The image has ${inMillions(pixels)} pixels; up to ${inMillions(MOST_PIXELS)} can be converted.`);
  const { longestSide, mostPixels, bytesPerPixel } = ENCODERS[spec.format];
  const { width, height } = resultSize(image, spec);
  if (Math.max(width, height) > longestSide || width * height * frames > mostPixels)
    throw refuse(
      `The ${spec.format} would be ${width} x ${height}; its limits are ${longestSide} pixels per side and ${inMillions(mostPixels)} in total. Request a smaller width or height.`,
    );
  return {
    isAnimated: frames > 1,
    memory: pixels * DECODED_BYTES_PER_PIXEL + width * height * frames * bytesPerPixel,
  };
}

/** The size after orientation and scaling. */
function resultSize(image: Metadata, spec: ImageSpec): { readonly width: number; readonly height: number } {
  const sides = [image.width, image.pageHeight ?? image.height] as const;
  const isRotated = (image.orientation ?? 1) >= 5;
  const [width, height] = isRotated ? [sides[1], sides[0]] : sides;
  const scale = Math.min(1, (spec.width ?? width) / width, (spec.height ?? height) / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function inMillions(pixels: number): string {
  return `${(pixels / 1e6).toFixed(1)} million`;
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}

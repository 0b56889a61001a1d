import type { Metadata } from 'sharp';
import type { ImageFormat, ImageSpec } from '../../application/assets/images/image-converter';
import { ComfyUIError } from '../../domain/errors';

/** What converting a picture takes. */
export interface PicturePlan {
  /** All frames are converted. */
  readonly isAnimated: boolean;
  /** Bytes, about: more than was measured. */
  readonly memory: number;
}

/** All frames together. An 8192 x 8192 picture takes 268 MB unpacked. */
export const MOST_PIXELS = 8192 * 8192;

interface Encoder {
  /** Pixels of a side that the format, or its encoder, can write. */
  readonly longestSide: number;
  readonly mostPixels: number;
  /** What it takes for each while it encodes. */
  readonly bytesPerPixel: number;
}

const ENCODERS: Readonly<Record<ImageFormat, Encoder>> = {
  png: { longestSide: 16_384, mostPixels: MOST_PIXELS, bytesPerPixel: 8 },
  jpeg: { longestSide: 16_384, mostPixels: MOST_PIXELS, bytesPerPixel: 8 },
  webp: { longestSide: 16_383, mostPixels: MOST_PIXELS, bytesPerPixel: 16 },
  avif: { longestSide: 16_384, mostPixels: 4096 * 4096, bytesPerPixel: 48 },
};

const UNPACKED_BYTES_PER_PIXEL = 4;

/** The formats of which all frames can be converted, into WebP. */
const MOVING = new Set(['gif', 'webp']);

/** @throws ComfyUIError `invalid_request` when the picture, or what it is to become, is too large */
export function planFor(picture: Metadata, order: ImageSpec): PicturePlan {
  const frames = MOVING.has(picture.format) && order.format === 'webp' ? (picture.pages ?? 1) : 1;
  const pixels = picture.width * (picture.pageHeight ?? picture.height) * frames;
  if (pixels > MOST_PIXELS)
    throw refuse(`The picture has ${inMillions(pixels)} pixels; up to ${inMillions(MOST_PIXELS)} can be converted.`);
  const { longestSide, mostPixels, bytesPerPixel } = ENCODERS[order.format];
  const { width, height } = resultSize(picture, order);
  if (Math.max(width, height) > longestSide || width * height * frames > mostPixels)
    throw refuse(
      `The ${order.format} would be ${width} x ${height}; it may have ${longestSide} pixels a side and ${inMillions(mostPixels)} in all. Ask for a smaller width or height.`,
    );
  return {
    isAnimated: frames > 1,
    memory: pixels * UNPACKED_BYTES_PER_PIXEL + width * height * frames * bytesPerPixel,
  };
}

/** As it will stand upright, scaled to fit. */
function resultSize(picture: Metadata, order: ImageSpec): { readonly width: number; readonly height: number } {
  const sides = [picture.width, picture.pageHeight ?? picture.height] as const;
  const isTurned = (picture.orientation ?? 1) >= 5;
  const [width, height] = isTurned ? [sides[1], sides[0]] : sides;
  const scale = Math.min(1, (order.width ?? width) / width, (order.height ?? height) / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function inMillions(pixels: number): string {
  return `${(pixels / 1e6).toFixed(1)} million`;
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}

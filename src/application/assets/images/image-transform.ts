import { ComfyUIError } from '../../../domain/errors';
import { IMAGE_FORMATS, type ImageFormat, type ImageSpec } from './image-converter';

/** How a picture is wanted. Whole numbers. */
export interface ImageTransform {
  /** Default: as it is, where it is one of these; else WebP for a GIF, which keeps it moving, and PNG for a TIFF. */
  readonly format?: ImageFormat;
  /** 1..100; default 80, of AVIF 50. A PNG loses nothing, and heeds none. */
  readonly quality?: number;
  /** Pixels it may have at most, 1..16384; the picture keeps its shape, and is never enlarged. */
  readonly width?: number;
  readonly height?: number;
}

export const LONGEST_SIDE = 16_384;

/** Raster pictures by media type, and what they become when no format is asked for. Never SVG, which is a program. */
const CONVERTIBLE: Readonly<Record<string, ImageFormat>> = {
  'image/png': 'png',
  'image/apng': 'png',
  'image/jpeg': 'jpeg',
  'image/webp': 'webp',
  'image/gif': 'webp',
  'image/avif': 'avif',
  'image/tiff': 'png',
};

export function isConvertible(mediaType: string): boolean {
  return Object.hasOwn(CONVERTIBLE, mediaType);
}

/**
 * What is to be made of a picture of a media type.
 * @throws ComfyUIError `invalid_request` for what is no picture, and for a wish that can not be
 */
export function orderFor(mediaType: string, options: ImageTransform): ImageSpec {
  const own = isConvertible(mediaType) ? CONVERTIBLE[mediaType] : undefined;
  if (!own)
    throw refuse(`Only PNG, JPEG, WebP, GIF, AVIF and TIFF pictures can be converted or scaled; this is ${mediaType}.`);
  checkWish(options);
  const { format = own, quality, width, height } = options;
  return { format, ...(format !== 'png' && { quality }), width, height };
}

/** @throws ComfyUIError `invalid_request` for a wish that can not be */
export function checkWish({ format, quality, width, height }: ImageTransform): void {
  if (format !== undefined && !IMAGE_FORMATS.includes(format))
    throw refuse(`format must be any of ${IMAGE_FORMATS.join(', ')}.`);
  checkNumber('quality', quality, 100);
  checkNumber('width', width, LONGEST_SIDE);
  checkNumber('height', height, LONGEST_SIDE);
}

/** One name for one order for one file, in characters that an entity tag may have. */
export function nameOfOrder(sha256: string, { format, quality, width, height }: ImageSpec): string {
  const preferences = { q: quality, w: width, h: height };
  const told = Object.entries(preferences).flatMap(([letter, value]) =>
    value === undefined ? [] : [`-${letter}${value}`],
  );
  return `${sha256}-${format}${told.join('')}`;
}

function checkNumber(name: string, value: unknown, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most))
    return;
  throw refuse(`${name} must be a whole number from 1 to ${most}.`);
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}

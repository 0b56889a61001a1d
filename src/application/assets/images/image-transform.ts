import { ComfyUIError } from '../../../domain/errors';
import { IMAGE_FORMATS, type ImageFormat, type ImageSpec } from './image-converter';

/** What an image is converted to. Whole numbers. */
export interface ImageTransform {
  /** Default: its own, where it is one of these; else WebP for a GIF, which stays animated, and PNG for a TIFF. */
  readonly format?: ImageFormat;
  /** 1..100; default 80, of AVIF 50. Ignored for PNG, which is lossless. */
  readonly quality?: number;
  /** Largest width and height in pixels, 1..16384; the aspect ratio stays, and the image is never enlarged. */
  readonly width?: number;
  readonly height?: number;
}

export const MAX_SIDE = 16_384;
export const MAX_QUALITY = 100;

/** Raster images by media type, and their format when none is asked for. Never SVG, which may contain scripts. */
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
 * What an image of a media type is converted to.
 * @throws ComfyUIError `invalid_request` for other media types, and for a transform out of bounds
 */
export function imageSpec(mediaType: string, transform: ImageTransform): ImageSpec {
  const own = isConvertible(mediaType) ? CONVERTIBLE[mediaType] : undefined;
  if (!own)
    throw refuse(`Only PNG, JPEG, WebP, GIF, AVIF and TIFF images can be converted or scaled; this is ${mediaType}.`);
  checkTransform(transform);
  const { format = own, quality, width, height } = transform;
  return { format, ...(format !== 'png' && { quality }), width, height };
}

/** A key for one conversion of one file, in characters that an entity tag may have. */
export function cacheKey(sha256: string, { format, quality, width, height }: ImageSpec): string {
  const parts = Object.entries({ q: quality, w: width, h: height }).flatMap(([letter, value]) =>
    value === undefined ? [] : [`-${letter}${value}`],
  );
  return `${sha256}-${format}${parts.join('')}`;
}

function checkTransform({ format, quality, width, height }: ImageTransform): void {
  if (format !== undefined && !IMAGE_FORMATS.includes(format))
    throw refuse(`format must be any of ${IMAGE_FORMATS.join(', ')}.`);
  checkNumber('quality', quality, MAX_QUALITY);
  checkNumber('width', width, MAX_SIDE);
  checkNumber('height', height, MAX_SIDE);
}

function checkNumber(name: string, value: unknown, max: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max))
    return;
  throw refuse(`${name} must be a whole number from 1 to ${max}.`);
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}

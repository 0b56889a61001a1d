import { BMP } from 'image-size/types/bmp';
import { GIF } from 'image-size/types/gif';
import { HEIF } from 'image-size/types/heif';
import { ICO } from 'image-size/types/ico';
import type { IImage } from 'image-size/types/interface';
import { PNG } from 'image-size/types/png';
import { PSD } from 'image-size/types/psd';
import { WEBP } from 'image-size/types/webp';
import type { MediaSource } from './media-source';
import type { FileWindow } from './file-window';
import type { MediaDetails } from './media-facts';

type PictureSize = Pick<MediaDetails, 'width' | 'height'>;

/** One reader a kind: image-size's own guessing takes some texts for pictures. */
const READERS: Readonly<Record<string, IImage>> = {
  'image/png': PNG,
  'image/apng': PNG,
  'image/webp': WEBP,
  'image/gif': GIF,
  'image/avif': HEIF,
  'image/heic': HEIF,
  'image/heic-sequence': HEIF,
  'image/heif': HEIF,
  'image/heif-sequence': HEIF,
  'image/bmp': BMP,
  'image/x-icon': ICO,
  'image/vnd.adobe.photoshop': PSD,
};
/** Metadata may come before the size: a workflow in EXIF alone may be 64 KiB. */
const LONG_HEAD = 1024 * 1024;
const JPEG = { start: 2, upToWidth: 9, tables: new Set([0xc4, 0xc8, 0xcc]), ends: new Set([0xd9, 0xda]) } as const;
const TIFF_WIDTH = 256;
const TIFF_HEIGHT = 257;
const TIFF_SHORT = 3;

/** From the head alone wherever that is enough. */
export async function pictureSize(file: MediaSource, window: FileWindow, mediaType: string): Promise<PictureSize> {
  if (mediaType === 'image/tiff') return tiffSize(window);
  if (mediaType === 'image/jpeg') return jpegSize(window);
  const reader = READERS[mediaType];
  if (!reader) return {};
  const size = sizeIn(file.head, reader);
  if (size || file.head.length >= file.sizeBytes) return size ?? {};
  return sizeIn(await file.read(0, LONG_HEAD), reader) ?? {};
}

/**
 * The largest where there are several: tiles and thumbnails are smaller.
 * From a copy, since image-size reads past the end of a view: the size of a truncated file would come from other memory.
 */
function sizeIn(bytes: Buffer, reader: IImage): PictureSize | undefined {
  try {
    const { images, ...first } = reader.calculate(new Uint8Array(bytes));
    const sizes = (images ?? [first]).map(({ width, height }) => ({ width, height }));
    return sizes.reduce((most, size) => (size.width * size.height > most.width * most.height ? size : most));
  } catch {
    return undefined;
  }
}

/** ITU T.81, annex B: from segment to segment up to that of a frame. image-size looks at every byte in between. */
async function jpegSize(window: FileWindow): Promise<PictureSize> {
  for (let at = JPEG.start; ;) {
    const segment = await window.at(at, JPEG.upToWidth);
    const marker = segment[1] ?? 0;
    if (segment.length < JPEG.upToWidth || segment[0] !== 0xff || JPEG.ends.has(marker)) return {};
    if (marker >= 0xc0 && marker <= 0xcf && !JPEG.tables.has(marker))
      return { height: segment.readUInt16BE(5), width: segment.readUInt16BE(7) };
    // It may be filled up before its marker.
    at += marker === 0xff ? 1 : 2 + segment.readUInt16BE(2);
  }
}

/** TIFF 6.0, section 2. The directory may be anywhere, mostly at the end. */
async function tiffSize(window: FileWindow): Promise<PictureSize> {
  const header = await window.at(0, 8);
  if (header.length < 8) return {};
  const isLittle = header[0] === 0x49;
  const directory = isLittle ? header.readUInt32LE(4) : header.readUInt32BE(4);
  const bytes = Buffer.from(await window.at(directory, 16 * 1024));
  const short = (at: number): number => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const long = (at: number): number => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const size: { width?: number; height?: number } = {};
  for (let at = 2; bytes.length >= 2 && at + 12 <= Math.min(bytes.length, 2 + 12 * short(0)); at += 12) {
    const value = short(at + 2) === TIFF_SHORT ? short(at + 8) : long(at + 8);
    if (short(at) === TIFF_WIDTH) size.width = value;
    if (short(at) === TIFF_HEIGHT) size.height = value;
  }
  return size;
}

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp, { type Sharp } from 'sharp';
import { ImageConversions, type ImageSource } from '../../src/application/assets/images/image-conversions';
import type { ConvertedImage } from '../../src/application/assets/images/cached-image';
import type { Stack } from './stack';

const CHUNK_BYTES = 64 * 1024;

export const NEVER: AbortSignal = new AbortController().signal;

export const RED = { r: 220, g: 20, b: 10 };
export const BLUE = { r: 10, g: 30, b: 200 };

/** An image of one colour. */
export const flat = (background: object, width = 40, height = 20): Sharp =>
  sharp({ create: { width, height, channels: 4, background: { ...background, alpha: 1 } as never } });

/** A picture as a storage has it, in pieces. */
export function sourceOf(bytes: Buffer, mediaType = 'image/png'): ImageSource {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { sha256, mediaType, sizeBytes: bytes.length, open: async () => Readable.from(inChunks(bytes)) };
}

/** Reads and releases a converted image. */
export async function takenOut(picture: ConvertedImage): Promise<Buffer> {
  const bytes = await buffer(picture.open());
  picture.release();
  return bytes;
}

/** Counts the converted images of a stack, and those that are not released yet. */
export function trackConversions({ app }: Stack): { readonly total: number; readonly open: number; restore(): void } {
  const conversions = app.get(ImageConversions, { strict: false });
  const convert = conversions.convert.bind(conversions);
  const all: { isOpen: boolean }[] = [];
  const spy = jest.spyOn(conversions, 'convert').mockImplementation(async (...args) => {
    const picture = await convert(...args);
    const one = { isOpen: true };
    all.push(one);
    const release = () => {
      one.isOpen = false;
      picture.release();
    };
    return { ...picture, release };
  });
  return {
    get total() {
      return all.length;
    },
    get open() {
      return all.filter(({ isOpen }) => isOpen).length;
    },
    restore: () => spy.mockRestore(),
  };
}

function* inChunks(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp, { type Sharp } from 'sharp';
import { ImageConversions, type PictureSource } from '../../src/application/assets/images/image-conversions';
import type { ConvertedImage } from '../../src/application/assets/images/cached-image';
import type { Stack } from './stack';

const PIECE_BYTES = 64 * 1024;

export const NEVER: AbortSignal = new AbortController().signal;

export const RED = { r: 220, g: 20, b: 10 };
export const BLUE = { r: 10, g: 30, b: 200 };

/** A picture of one colour. */
export const flat = (background: object, width = 40, height = 20): Sharp =>
  sharp({ create: { width, height, channels: 4, background: { ...background, alpha: 1 } as never } });

/** A picture as a storage has it, in pieces. */
export function sourceOf(bytes: Buffer, mediaType = 'image/png'): PictureSource {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { sha256, mediaType, sizeBytes: bytes.length, open: async () => Readable.from(inPieces(bytes)) };
}

/** The bytes of a converted picture, which is released. */
export async function takenOut(picture: ConvertedImage): Promise<Buffer> {
  const bytes = await buffer(picture.open());
  picture.release();
  return bytes;
}

/** Counts the converted pictures that a stack gives to callers, and those of them that were not given back yet. */
export function watchPictures({ app }: Stack): { readonly given: number; readonly held: number; unwatch(): void } {
  const conversions = app.get(ImageConversions, { strict: false });
  const convert = conversions.convert.bind(conversions);
  const all: { isHeld: boolean }[] = [];
  const watching = jest.spyOn(conversions, 'convert').mockImplementation(async (...order) => {
    const picture = await convert(...order);
    const one = { isHeld: true };
    all.push(one);
    const release = () => {
      one.isHeld = false;
      picture.release();
    };
    return { ...picture, release };
  });
  return {
    get given() {
      return all.length;
    },
    get held() {
      return all.filter(({ isHeld }) => isHeld).length;
    },
    unwatch: () => watching.mockRestore(),
  };
}

function* inPieces(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

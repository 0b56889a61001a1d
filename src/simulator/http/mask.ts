import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { Files, isFolderType, splitAnnotation } from '../files';
import { textsOf, withText } from '../pictures/png-text';
import { parseJson } from '../python-json';
import { PythonError } from '../python-values';
import { isObject } from '../wire';

/**
 * The original image with the transparency of the mask and its own text chunks. ComfyUI reports success even if the
 * original does not exist or its name is refused: then nothing is saved.
 */
export async function maskOnto(files: Files, reference: string | undefined, mask: Buffer): Promise<Buffer | undefined> {
  const path = originalPath(files, reference);
  if (path === undefined || !existsSync(path)) return undefined;
  const file = readFileSync(path);
  const original = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = original.info;
  const alpha = await sharp(mask)
    .ensureAlpha()
    .resize(width, height, { fit: 'fill' })
    .extractChannel(3)
    .raw()
    .toBuffer();
  const png = await sharp(original.data, { raw: { width, height, channels: 3 } })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png({ compressionLevel: 4 })
    .toBuffer();
  return withText(png, textsOf(file));
}

function originalPath(files: Files, reference: string | undefined): string | undefined {
  const original = reference === undefined ? undefined : parseJson(reference);
  if (!isObject(original) || typeof original['filename'] !== 'string') {
    throw new PythonError('TypeError', 'the JSON object must be str, bytes or bytearray');
  }
  const { name, type: annotated } = splitAnnotation(original['filename']);
  const type = annotated ?? original['type'] ?? 'output';
  if (name === '' || name.startsWith('/') || name.includes('..') || !isFolderType(type)) return undefined;
  return files.locate(type, typeof original['subfolder'] === 'string' ? original['subfolder'] : '', name);
}

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { solid } from '../pictures/operations';
import { Images, Picture } from '../pictures/picture';
import { PythonError, typeName } from '../python-values';
import { NodeDefinition, Inventory } from './definition';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const noText = (value: unknown): PythonError =>
  new PythonError('AttributeError', `'${typeName(value)}' object has no attribute 'endswith'`);

/** Applies the EXIF orientation and drops the transparency; one image per page of an animation. */
async function decode(bytes: Buffer, path: string): Promise<Images> {
  const digest = sha256(bytes);
  const failure = (): PythonError =>
    new PythonError('PIL.UnidentifiedImageError', `cannot identify image file '${path}'`);
  const info = await sharp(bytes)
    .metadata()
    .catch(() => Promise.reject(failure()));
  if (info.format === 'svg') throw failure();
  const { width, height } = info.autoOrient;
  const frames = Array.from({ length: info.pages ?? 1 }, (_, page) => {
    const recipe = `file ${digest} ${page}`;
    return new Picture(recipe, width, height, () =>
      sharp(bytes, { page }).autoOrient().removeAlpha().toColourspace('srgb').raw().toBuffer(),
    );
  });
  await frames[0]?.pixels().catch(() => Promise.reject(failure()));
  return Images.of(frames);
}

export const loadImage: NodeDefinition = {
  classType: 'LoadImage',
  displayName: 'Load Image',
  category: 'image',
  pythonModule: 'nodes',
  required: { image: ({ files }: Inventory) => [files.inputImages(), { image_upload: true }] },
  outputs: ['IMAGE', 'MASK'],
  validator: {
    input: 'image',
    check(value, { files }) {
      if (typeof value !== 'string') throw noText(value);
      return files.annotated(value) === undefined ? `Invalid image file: ${value}` : true;
    },
  },
  isChanged(inputs, { files }) {
    const path = files.annotated(inputs.text('image'));
    return path === undefined || !statSync(path).isFile() ? Number.NaN : [sha256(readFileSync(path))];
  },
  async execute(inputs, { files }) {
    const name = inputs.text('image');
    const path = files.annotated(name);
    if (path === undefined) {
      throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${name}'`);
    }
    if (!statSync(path).isFile()) throw new PythonError('IsADirectoryError', `[Errno 21] Is a directory: '${path}'`);
    return { outputs: [await decode(await readFile(path), path), solid(64, 64, 0)] };
  },
};

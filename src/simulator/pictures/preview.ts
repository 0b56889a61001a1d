import sharp from 'sharp';
import { Picture } from './picture';

/** ComfyUI's `--preview-size`: previews are scaled until their longer side has this many pixels. */
const PREVIEW_SIZE = 512;
const COARSEST = 6;

/** The JFIF header, which this encoder does not write and readers may require. */
const JFIF = Buffer.from('ffe000104a46494600010100000100010000', 'hex');
const START_OF_IMAGE = 2;

const withJfif = (jpeg: Buffer): Buffer =>
  Buffer.concat([jpeg.subarray(0, START_OF_IMAGE), JFIF, jpeg.subarray(START_OF_IMAGE)]);

/** The preview at `step` of `steps`: the final image, coarse at first and sharper with every step. */
export async function previewOf(picture: Picture, step: number, steps: number): Promise<Buffer> {
  const longer = Math.max(picture.width, picture.height);
  const detail = Math.round(COARSEST * (longer / COARSEST) ** (step / steps));
  const zoom = (side: number, target: number): number => Math.max(1, Math.round((side / longer) * target));
  const coarse = await sharp(await picture.pixels(), { raw: picture.raw })
    .resize(zoom(picture.width, detail), zoom(picture.height, detail), { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = coarse.info;
  const jpeg = await sharp(coarse.data, { raw: { width, height, channels } })
    .resize(zoom(picture.width, PREVIEW_SIZE), zoom(picture.height, PREVIEW_SIZE), { fit: 'fill', kernel: 'cubic' })
    .jpeg({ quality: 90 })
    .toBuffer();
  return withJfif(jpeg);
}

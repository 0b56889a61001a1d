import { Random } from './random';
import { Picture } from './picture';

/** Incompressible pixels: the PNG has about three bytes per pixel. */
export function noise(width: number, height: number, seed: string): Picture {
  return new Picture(`noise ${width}x${height} ${seed}`, width, height, () => {
    const random = new Random(seed);
    const words = new Uint32Array(Math.ceil((width * height * 3) / 4));
    for (let i = 0; i < words.length; i++) words[i] = random.bits();
    return Buffer.from(words.buffer, 0, width * height * 3);
  });
}

export const isNoise = (picture: Picture): boolean => picture.key.startsWith('noise ');

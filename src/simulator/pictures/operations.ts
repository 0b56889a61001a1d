import sharp, { KernelEnum } from 'sharp';
import { Picture } from './picture';

export function solid(width: number, height: number, color: number): Picture {
  return new Picture(`solid ${width}x${height} ${color}`, width, height, () => {
    const pixel = Buffer.from([(color >> 16) & 255, (color >> 8) & 255, color & 255]);
    return Buffer.alloc(width * height * 3, pixel);
  });
}

export function invert(picture: Picture): Picture {
  return new Picture(`invert(${picture.key})`, picture.width, picture.height, async () => {
    const inverted = Buffer.from(await picture.pixels());
    for (let i = 0; i < inverted.length; i++) inverted[i] = 255 - inverted[i]!;
    return inverted;
  });
}

export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The part of `area` that is inside the image. */
export function crop(picture: Picture, area: Area): Picture {
  const left = Math.min(area.left, picture.width - 1);
  const top = Math.min(area.top, picture.height - 1);
  const width = Math.min(area.width, picture.width - left);
  const height = Math.min(area.height, picture.height - top);
  if (width === picture.width && height === picture.height) return picture;
  return new Picture(`crop(${picture.key}) ${left},${top} ${width}x${height}`, width, height, async () =>
    sharp(await picture.pixels(), { raw: picture.raw })
      .extract({ left, top, width, height })
      .raw()
      .toBuffer(),
  );
}

const KERNELS: Record<string, keyof KernelEnum> = {
  'nearest-exact': 'nearest',
  bilinear: 'linear',
  area: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
};

/** `center` first crops the image to the new aspect ratio, as ComfyUI's upscaling does. */
export function scale(picture: Picture, width: number, height: number, method: string, fit = 'disabled'): Picture {
  const source = fit === 'center' ? cropToAspect(picture, width / height) : picture;
  if (source.width === width && source.height === height) return source;
  const kernel = KERNELS[method] ?? 'linear';
  return new Picture(`scale(${source.key}) ${width}x${height} ${kernel}`, width, height, async () =>
    sharp(await source.pixels(), { raw: source.raw })
      .resize(width, height, { fit: 'fill', kernel })
      .raw()
      .toBuffer(),
  );
}

function cropToAspect(picture: Picture, aspect: number): Picture {
  const old = picture.width / picture.height;
  const left = old > aspect ? Math.round((picture.width - picture.width * (aspect / old)) / 2) : 0;
  const top = old < aspect ? Math.round((picture.height - picture.height * (old / aspect)) / 2) : 0;
  return crop(picture, { left, top, width: picture.width - 2 * left, height: picture.height - 2 * top });
}

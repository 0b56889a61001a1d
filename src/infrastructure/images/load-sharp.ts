import type Sharp from 'sharp';
import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';

/** Not before it is needed: who converts no pictures need not install it. @throws ComfyUIError `not_installed` */
export function loadSharp(): typeof Sharp {
  try {
    return require('sharp') as typeof Sharp;
  } catch (error) {
    const isMissing = isObject(error) && error.code === 'MODULE_NOT_FOUND';
    const what = isMissing ? 'is not installed: npm install sharp' : 'does not run on this system';
    throw new ComfyUIError('not_installed', `Converting pictures needs the package "sharp", which ${what}`, {
      cause: error,
    });
  }
}

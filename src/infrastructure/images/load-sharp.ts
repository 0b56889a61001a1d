import type Sharp from 'sharp';
import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';

/**
 * Loads sharp on first use: it is optional for installations that convert no images.
 * @throws ComfyUIError `not_installed`
 */
export function loadSharp(): typeof Sharp {
  try {
    return require('sharp') as typeof Sharp;
  } catch (error) {
    const isMissing = isObject(error) && error.code === 'MODULE_NOT_FOUND';
    const reason = isMissing ? 'is not installed: npm install sharp' : 'does not run on this system';
    throw new ComfyUIError('not_installed', `Converting images needs the package "sharp", which ${reason}`, {
      cause: error,
    });
  }
}

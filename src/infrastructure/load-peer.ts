import { ComfyUIError } from '../domain/errors';
import { isObject } from '../shared/json';

/** Loads an optional package. @throws ComfyUIError `storage_failed` with the packages to install, when it is missing */
export function loadPeer<T>(load: () => T, feature: string, packages: string): T {
  try {
    return load();
  } catch (error) {
    if (!isObject(error) || error.code !== 'MODULE_NOT_FOUND') throw error;
    const message = `${feature} needs packages that are not installed: npm install ${packages}`;
    throw new ComfyUIError('storage_failed', message, { cause: error });
  }
}

import { ComfyUIError } from '../domain/errors';
import { isObject } from '../shared/json';

/** Loads an optional package when it is needed. @throws ComfyUIError `storage_failed` that says what to install */
export function loadPeer<T>(load: () => T, what: string, packages: string): T {
  try {
    return load();
  } catch (error) {
    if (!isObject(error) || error.code !== 'MODULE_NOT_FOUND') throw error;
    const message = `${what} needs packages that are not installed: npm install ${packages}`;
    throw new ComfyUIError('storage_failed', message, { cause: error });
  }
}

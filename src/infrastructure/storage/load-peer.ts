import { isObject } from '../../domain/json';
import { StorageFault } from './storage-fault';

/** Loads an optional package when it is needed. @throws StorageFault that says what to install */
export function loadPeer<T>(load: () => T, what: string, packages: string): T {
  try {
    return load();
  } catch (error) {
    if (!isObject(error) || error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new StorageFault(`${what} needs packages that are not installed: npm install ${packages}`, { cause: error });
  }
}

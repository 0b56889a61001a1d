import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { StorageError } from '../storage-error';

/** By Node's code. EFBIG: the system limits how large a file may be. */
const SAYS: readonly (readonly [RegExp, string])[] = [
  [/^(ENOSPC|EDQUOT)$/, 'has no room left on its disk'],
  [/^EFBIG$/, 'may not hold a file as large as this one'],
  [/^(EACCES|EPERM|EROFS)$/, 'can not be written: this process lacks the rights'],
  [/^(ENOENT|ENOTDIR|EEXIST)$/, 'is not there, or no folder'],
  [/^ELOOP$/, 'holds a symbolic link where a file should be'],
  [/^(EMFILE|ENFILE)$/, 'can not be used: too many files are open'],
  [/^(EIO|ESTALE|ENODEV|ENXIO)$/, 'can not be read or written: its disk fails'],
];

/** A failure of the file system in our words. */
export function localFault(error: unknown, directory: string): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const code = codeOf(error);
  const says = SAYS.find(([pattern]) => pattern.test(code))?.[1] ?? 'failed';
  return new StorageError(`The folder for files ${says}${code && ` (${code})`}. It is ${directory}.`, { cause: error });
}

export function codeOf(error: unknown): string {
  return isObject(error) && typeof error.code === 'string' ? error.code : '';
}

import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { StorageError } from '../storage-error';

/** By the code of Node's errors. EFBIG: the file size limit of the system. */
const PROBLEMS: readonly (readonly [RegExp, string])[] = [
  [/^(ENOSPC|EDQUOT)$/, 'has no space left on its disk'],
  [/^EFBIG$/, 'cannot hold a file of this size'],
  [/^(EACCES|EPERM|EROFS)$/, 'cannot be written: this process lacks the permissions'],
  [/^(ENOENT|ENOTDIR|EEXIST)$/, 'does not exist, or is not a folder'],
  [/^ELOOP$/, 'contains a symbolic link instead of a file'],
  [/^(EMFILE|ENFILE)$/, 'cannot be used: too many files are open'],
  [/^(EIO|ESTALE|ENODEV|ENXIO)$/, 'cannot be read or written: its disk fails'],
];

/** Converts an error of the file system. */
export function localStorageError(error: unknown, directory: string): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const code = codeOf(error);
  const problem = PROBLEMS.find(([pattern]) => pattern.test(code))?.[1] ?? 'failed';
  return new StorageError(`The folder for files ${problem}${code && ` (${code})`}. It is ${directory}.`, {
    cause: error,
  });
}

export function codeOf(error: unknown): string {
  return isObject(error) && typeof error.code === 'string' ? error.code : '';
}

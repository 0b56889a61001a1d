import { ComfyUIError } from '../../domain/errors';
import type { ByteRange } from '../../application/assets/asset-storage';

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * The path of a file in the storage: `ab/abcd...`, so that no folder grows too large.
 * @throws ComfyUIError `invalid_request` for anything but a SHA-256, so that no other text becomes a path
 */
export function addressOf(sha256: string): string {
  if (typeof sha256 !== 'string' || !SHA256.test(sha256))
    throw new ComfyUIError('invalid_request', 'The key of a stored file must be its SHA-256: 64 lowercase hex digits.');
  return `${sha256.slice(0, 2)}/${sha256}`;
}

/** @throws ComfyUIError `invalid_request` */
export function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
    throw new ComfyUIError(
      'invalid_request',
      'A byte range must have a first position, from 0, and a last one that is not smaller.',
    );
}

/** The value of a `Range` header. */
export function rangeHeader(range: ByteRange | undefined): string | undefined {
  return range && `bytes=${range.start}-${range.end}`;
}

export function notFound(sha256: string): ComfyUIError {
  return new ComfyUIError('not_found', `There is no stored file ${sha256}.`);
}

export function beyondEnd(range: ByteRange | undefined, cause?: unknown): ComfyUIError {
  const message = `The range starts beyond the end of the file (${range?.start}).`;
  return new ComfyUIError('invalid_request', message, { cause });
}

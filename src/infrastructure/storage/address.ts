import { ComfyUIError } from '../../domain/errors';
import type { ByteRange } from '../../application/assets/asset-storage';

const SHA256 = /^[0-9a-f]{64}$/;

/** `ab/abcd...`: no folder grows too large. @throws ComfyUIError `invalid_request`: nothing else ever becomes a path */
export function addressOf(sha256: string): string {
  if (typeof sha256 !== 'string' || !SHA256.test(sha256))
    throw new ComfyUIError('invalid_request', 'The key of a stored file is its SHA-256: 64 hex digits in lower case.');
  return `${sha256.slice(0, 2)}/${sha256}`;
}

/** @throws ComfyUIError `invalid_request` */
export function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
    throw new ComfyUIError(
      'invalid_request',
      'A range of bytes goes from a first byte, counted from 0, to a last one.',
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
  const message = `The file ends before the first byte asked for (${range?.start}).`;
  return new ComfyUIError('invalid_request', message, { cause });
}

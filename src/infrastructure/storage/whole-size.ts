import type { ByteRange } from '../../application/assets/asset-storage';
import { beyondEnd } from './address';
import { StorageError } from './storage-error';

/** The headers of an HTTP response that describe its bytes. */
export interface ResponseRange {
  /** The `Content-Range` header: `bytes 0-9/100`. */
  readonly contentRange?: string | null;
  /** The `Content-Length` header. */
  readonly length?: number;
}

/**
 * The size of the whole file. Checks the range, because a server or proxy may ignore it and send other bytes.
 * @throws StorageError if the response is not the requested range; ComfyUIError `invalid_request`
 */
export function wholeSize(
  { contentRange, length }: ResponseRange,
  range: ByteRange | undefined,
  subject: string,
): number {
  if (!range && length !== undefined && Number.isSafeInteger(length)) return length;
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '')?.map(Number) ?? [];
  // Some servers answer `bytes 0-0/0` instead of 416.
  if (range && size !== undefined && range.start >= size) throw beyondEnd(range);
  const whole =
    range && size !== undefined && start === range.start && end === Math.min(range.end, size - 1) ? size : undefined;
  if (whole === undefined) throw new StorageError(`${subject} sends other bytes than the requested range.`);
  return whole;
}

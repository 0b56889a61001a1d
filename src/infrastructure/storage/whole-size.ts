import type { ByteRange } from '../../application/assets/asset-storage';
import { beyondEnd } from './address';
import { StorageError } from './storage-error';

/** What an HTTP server says of the bytes it is about to send. */
export interface AnsweredPart {
  /** Of `Content-Range`: `bytes 0-9/100`. */
  readonly contentRange?: string | null;
  /** Of `Content-Length`. */
  readonly length?: number;
}

/**
 * The size of the whole file. A server or proxy may leave a range out of account: its bytes would be taken for others.
 * @throws StorageFault when the answer is not the part that was asked for; ComfyUIError `invalid_request`
 */
export function wholeSize({ contentRange, length }: AnsweredPart, range: ByteRange | undefined, who: string): number {
  if (!range && length !== undefined && Number.isSafeInteger(length)) return length;
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '')?.map(Number) ?? [];
  // Some answer `bytes 0-0/0` where others refuse.
  if (range && size !== undefined && range.start >= size) throw beyondEnd(range);
  const whole =
    range && size !== undefined && start === range.start && end === Math.min(range.end, size - 1) ? size : undefined;
  if (whole === undefined) throw new StorageError(`${who} sends other bytes of a file than those asked for.`);
  return whole;
}

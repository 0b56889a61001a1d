import type { PipeTransform } from '@nestjs/common';
import { ComfyUIError } from '../../../domain/errors';

/** A string of RFC 8941, as the draft of the header has it. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/**
 * The key of the header `Idempotency-Key`, or of a message's field, quoted or bare.
 * @throws ComfyUIError `invalid_request`
 */
export function parseIdempotencyKey(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value.trim() : '';
  const key = (QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1') ?? text).trim();
  if (PRINTABLE.test(key)) return key;
  throw new ComfyUIError('invalid_request', 'Idempotency-Key must be 1 to 255 printable ASCII characters.');
}

export class IdempotencyKeyPipe implements PipeTransform<unknown, string | undefined> {
  transform(value: unknown): string | undefined {
    return parseIdempotencyKey(value);
  }
}

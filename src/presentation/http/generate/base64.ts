import type { Readable } from 'node:stream';

/** Bytes encoded at once: a multiple of three, so that pieces join without padding. */
const PIECE_BYTES = 192 * 1024;

/** Length of the base64 text of `sizeBytes` bytes. */
export function base64Length(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 3) * 4;
}

/** The base64 text of a stream, piece by piece. */
export async function* base64Of(stream: Readable): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % 3);
    for (let start = 0; start < whole; start += PIECE_BYTES) {
      yield bytes.toString('base64', start, Math.min(start + PIECE_BYTES, whole));
    }
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) yield rest.toString('base64');
}

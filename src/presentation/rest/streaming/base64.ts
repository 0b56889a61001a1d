/** Bytes encoded at once, a multiple of three: each longer string would occupy its own page of the heap. */
const PIECE_BYTES = 3 * 21_845;

/** Length of the base64 text of `sizeBytes` bytes. */
export function base64Length(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 3) * 4;
}

/**
 * The base64 text of a stream, piece by piece, without copying its chunks. As bytes: the garbage collector moves long strings
 * that wait for a slow connection.
 */
export async function* base64Of(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const missing = (3 - rest.length) % 3;
    rest = Buffer.concat([rest, chunk.subarray(0, missing)]);
    if (rest.length % 3 !== 0) continue;
    const whole = chunk.length - ((chunk.length - missing) % 3);
    if (rest.length + whole > missing) yield encode(rest, chunk, missing, Math.max(whole, missing));
    rest = chunk.subarray(Math.max(whole, missing));
  }
  if (rest.length > 0) yield Buffer.from(rest.toString('base64'), 'latin1');
}

/** The base64 text of `head`, a multiple of three bytes, and of `chunk` from `start` to `end`. */
function encode(head: Buffer, chunk: Buffer, start: number, end: number): Buffer {
  const text = Buffer.allocUnsafe(base64Length(head.length) + base64Length(end - start));
  let written = text.write(head.toString('base64'), 'latin1');
  for (let from = start; from < end; from += PIECE_BYTES)
    written += text.write(chunk.toString('base64', from, Math.min(from + PIECE_BYTES, end)), written, 'latin1');
  return text;
}

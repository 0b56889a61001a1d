/** Bytes encoded at once, a multiple of three: longer strings would each cost the garbage collector a page of their own. */
const PIECE_BYTES = 3 * 21_845;

/** Length of the base64 text of `sizeBytes` bytes. */
export function base64Length(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 3) * 4;
}

/** The base64 text of a stream, piece by piece, without copying its chunks. */
export async function* base64Of(stream: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const missing = (3 - rest.length) % 3;
    rest = Buffer.concat([rest, chunk.subarray(0, missing)]);
    if (rest.length % 3 !== 0) continue;
    let text = rest.toString('base64');
    const whole = chunk.length - ((chunk.length - missing) % 3);
    for (let start = missing; start < whole; start += PIECE_BYTES) {
      yield text + chunk.toString('base64', start, Math.min(start + PIECE_BYTES, whole));
      text = '';
    }
    if (text !== '') yield text;
    rest = chunk.subarray(Math.max(whole, missing));
  }
  if (rest.length > 0) yield rest.toString('base64');
}

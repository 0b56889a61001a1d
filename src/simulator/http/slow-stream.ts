import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { FaultOf } from '../fault-kinds';
import { Reply } from './exchange';

const SLICES_A_SECOND = 20;

/** The same response, but late, slow or truncated. `death` aborts the waits. */
export function slowly(reply: Reply, fault: FaultOf<'slow-view'>, death: AbortSignal): Reply {
  if (reply.body === undefined) return reply;
  const headers = { ...reply.headers };
  if (!(reply.body instanceof Readable)) headers['Content-Length'] = Buffer.byteLength(reply.body);
  // The file may disappear before it is read: then reading fails, so this error needs no handler.
  else reply.body.on('error', () => undefined);
  return { ...reply, headers, body: Readable.from(trickle(reply.body, fault, death), { objectMode: false }) };
}

async function* trickle(
  body: Buffer | string | Readable,
  fault: FaultOf<'slow-view'>,
  death: AbortSignal,
): AsyncIterable<Buffer> {
  await delay(fault.ms ?? 0, undefined, { signal: death });
  const source = body instanceof Readable ? (body as AsyncIterable<Buffer>) : [Buffer.from(body)];
  const slice = fault.bytesPerSecond === undefined ? Infinity : Math.ceil(fault.bytesPerSecond / SLICES_A_SECOND);
  let left = fault.cutAfter ?? Infinity;
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += slice) {
      const piece = chunk.subarray(start, Math.min(start + slice, start + left, chunk.length));
      yield piece;
      left -= piece.length;
      if (left <= 0) throw new Error('the connection is cut on demand');
      if (slice !== Infinity) await delay(1000 / SLICES_A_SECOND, undefined, { signal: death });
    }
  }
}

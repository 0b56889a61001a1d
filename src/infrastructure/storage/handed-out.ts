import { addAbortSignal, pipeline, type Readable, Transform } from 'node:stream';
import { StorageError } from './storage-error';

interface HandingOut {
  readonly signal: AbortSignal;
  /** The source's errors in our words. */
  readonly told: (error: Error) => Error;
  /** How long the source may bring nothing to a reader who waits; not for a disk. */
  readonly silenceMs?: number;
}

/** The bytes of a storage for a caller. Destroying them lets go of the source; a slow reader is no silence. */
export function handedOut(source: Readable, { signal, told, silenceMs }: HandingOut): Readable {
  let isHeard = true;
  const out = new Transform({
    transform(piece, _encoding, done) {
      isHeard = true;
      done(null, piece);
    },
    destroy: (error, done) => done(error && error.name !== 'AbortError' ? told(error) : error),
  });
  pipeline(source, out, () => undefined);
  if (silenceMs !== undefined) {
    const timer = setInterval(() => {
      if (!isHeard && !out.writableNeedDrain && !source.readableEnded) out.destroy(fellSilent(silenceMs));
      isHeard = false;
    }, silenceMs).unref();
    out.once('close', () => clearInterval(timer));
  }
  return addAbortSignal(signal, out);
}

function fellSilent(ms: number): StorageError {
  return new StorageError(`The file storage sent nothing for ${ms / 1000} s in the middle of a file.`);
}

import { addAbortSignal, pipeline, type Readable, Transform } from 'node:stream';
import { StorageError } from './storage-error';

interface StorageStreamOptions {
  readonly signal: AbortSignal;
  /** Converts errors of the source. */
  readonly toError: (error: Error) => Error;
  /** Maximum time without data from the source while the reader waits; not for disks. */
  readonly inactivityMs?: number;
}

/** The stream of a stored file for a caller. Destroying it destroys the source; a slow reader causes no timeout. */
export function storageStream(source: Readable, { signal, toError, inactivityMs }: StorageStreamOptions): Readable {
  let isActive = true;
  const out = new Transform({
    transform(chunk, _encoding, done) {
      isActive = true;
      done(null, chunk);
    },
    destroy: (error, done) => done(error && error.name !== 'AbortError' ? toError(error) : error),
  });
  pipeline(source, out, () => undefined);
  if (inactivityMs !== undefined) {
    const timer = setInterval(() => {
      if (!isActive && !out.writableNeedDrain && !source.readableEnded) out.destroy(inactivityError(inactivityMs));
      isActive = false;
    }, inactivityMs).unref();
    out.once('close', () => clearInterval(timer));
  }
  return addAbortSignal(signal, out);
}

function inactivityError(ms: number): StorageError {
  return new StorageError(`The file storage sent no data for ${ms / 1000} s in the middle of a file.`);
}

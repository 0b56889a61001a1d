import { buffer } from 'node:stream/consumers';
import type { FileToStore } from '../../../application/ports/asset-storage';
import { SourceBytes } from '../source-bytes';
import { dataOf, SILENT_MS, type SupabaseConnection, type Try } from './supabase-connection';
import { SupabaseRefusal } from './supabase-errors';

/** A gateway may take a file in whole, and is then silent while it passes it on. */
const PASSED_ON_BYTES_PER_S = 4 * 1024 * 1024;

interface Target {
  readonly path: string;
  /** With other bytes, which are replaced. That needs more rights than adding does. */
  readonly isThere: boolean;
}

/** Sends a file in one request, and from its start in every further try. */
export async function upload(
  connection: SupabaseConnection,
  file: FileToStore,
  target: Target,
  signal: AbortSignal,
): Promise<void> {
  const silentMs = SILENT_MS + (file.sizeBytes / PASSED_ON_BYTES_PER_S) * 1000;
  let failure: unknown;
  try {
    await connection.run(
      async (attempt) => {
        const source = new SourceBytes(file, attempt.moved);
        const stop = () => source.stop();
        signal.addEventListener('abort', stop, { once: true });
        try {
          await send(attempt, file, target, source);
        } finally {
          failure = source.failure;
          signal.removeEventListener('abort', stop);
          source.stop();
        }
      },
      signal,
      silentMs,
    );
  } catch (error) {
    signal.throwIfAborted();
    throw failure ?? error;
  }
}

async function send({ files }: Try, file: FileToStore, { path, isThere }: Target, source: SourceBytes): Promise<void> {
  // Nothing can be held back of a file without bytes: it must be known to be right before it is sent.
  const body = file.sizeBytes === 0 ? await buffer(source.stream) : source.stream;
  const options = {
    contentType: file.mediaType,
    upsert: isThere,
    duplex: 'half',
    // Without it a connection that breaks could pass for the end of the file.
    headers: { 'content-length': String(file.sizeBytes) },
  };
  try {
    dataOf(await files.upload(path, body, options));
  } catch (error) {
    // Somebody else was faster; what has this name has these bytes.
    const isDuplicate = error instanceof SupabaseRefusal && error.status === 409;
    if (!isDuplicate || isThere) throw error;
  }
}

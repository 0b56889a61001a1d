import { buffer } from 'node:stream/consumers';
import type { FileToStore } from '../../../application/assets/asset-storage';
import { SourceBytes } from '../source-bytes';
import { StorageError } from '../storage-error';
import { dataOf, SILENT_MS, type SupabaseConnection, type Try } from './supabase-connection';

/** A gateway may take a file in whole, and is then silent while it passes it on. */
const PASSED_ON_BYTES_PER_S = 4 * 1024 * 1024;

interface Target {
  readonly path: string;
  /** Whether these bytes are there. */
  readonly isThere: () => Promise<boolean>;
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
  const sendOnce = async (attempt: Try) => {
    const source = new SourceBytes(file, attempt.moved);
    try {
      await stoppedBy(signal, source, () => send(attempt, file, target.path, source));
    } finally {
      failure = source.failure;
    }
  };
  try {
    await connection.run(sendOnce, signal, silentMs);
  } catch (error) {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    // A key that may add files, but not replace them, is refused when somebody else was faster.
    const isFinal = error instanceof StorageError && !error.isPassing;
    const isStored = isFinal && (await target.isThere().catch(() => false));
    signal.throwIfAborted();
    if (!isStored) throw error;
  }
}

async function stoppedBy(signal: AbortSignal, source: SourceBytes, sending: () => Promise<void>): Promise<void> {
  const stop = () => source.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await sending();
  } finally {
    signal.removeEventListener('abort', stop);
    source.stop();
  }
}

async function send({ files }: Try, file: FileToStore, path: string, source: SourceBytes): Promise<void> {
  // Nothing can be held back of a file without bytes: it must be known to be right before it is sent.
  const body = file.sizeBytes === 0 ? await buffer(source.stream) : source.stream;
  const options = {
    contentType: file.mediaType,
    // Never refused because the file is there: of a file that is refused Supabase leaves the rest unread, and the
    // connection, its own or the gateway's, answers nothing more, to whomever it is given next.
    upsert: true,
    duplex: 'half',
    // Without it a connection that breaks could pass for the end of the file.
    headers: { 'content-length': String(file.sizeBytes) },
  };
  dataOf(await files.upload(path, body, options));
}

import { buffer } from 'node:stream/consumers';
import type { FileToStore } from '../../../application/assets/asset-storage';
import { SourceBytes } from '../source-bytes';
import { StorageError } from '../storage-error';
import { dataOf, INACTIVITY_MS, type SupabaseConnection, type RequestContext } from './supabase-connection';

/** A gateway may buffer a whole file, and sends no data while it forwards it at this rate. */
const FORWARDED_BYTES_PER_S = 4 * 1024 * 1024;

interface Target {
  readonly path: string;
  /** Whether the file is stored. */
  readonly isStored: () => Promise<boolean>;
}

/** Uploads a file in one request; every retry starts from the beginning. */
export async function upload(
  connection: SupabaseConnection,
  file: FileToStore,
  target: Target,
  signal: AbortSignal,
): Promise<void> {
  const inactivityMs = INACTIVITY_MS + (file.sizeBytes / FORWARDED_BYTES_PER_S) * 1000;
  let failure: unknown;
  const sendOnce = async (context: RequestContext) => {
    const source = new SourceBytes(file, context.reportActivity);
    try {
      await stoppedBy(signal, source, () => send(context, file, target.path, source));
    } finally {
      failure = source.failure;
    }
  };
  try {
    await connection.run(sendOnce, signal, inactivityMs);
  } catch (error) {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    // A key that may add but not replace files is refused if a concurrent upload was faster.
    const isFinal = error instanceof StorageError && !error.isPassing;
    const isStored = isFinal && (await target.isStored().catch(() => false));
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

async function send({ files }: RequestContext, file: FileToStore, path: string, source: SourceBytes): Promise<void> {
  // An empty file has no chunk to hold back, so its size is checked before it is sent.
  const body = file.sizeBytes === 0 ? await buffer(source.stream) : source.stream;
  const options = {
    contentType: file.mediaType,
    // Never refused because the file exists: Supabase does not read the rest of a refused upload, and then the connection,
    // its own or the gateway's, is unusable for the next request.
    upsert: true,
    duplex: 'half',
    // Without it a broken connection could count as the end of the file.
    headers: { 'content-length': String(file.sizeBytes) },
  };
  dataOf(await files.upload(path, body, options));
}

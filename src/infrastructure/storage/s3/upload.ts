import type * as S3 from '@aws-sdk/client-s3';
import type { FileToStore } from '../../../application/assets/asset-storage';
import { SourceBytes } from '../source-bytes';
import type { S3Connection, Sdk } from './s3-connection';

/** Two parts upload while a third fills: 24 MiB of memory per file. 10000 parts, the limit of S3, are 78 GiB. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** Uploads a file in parts with a retry each; a small file in one request. A failed upload leaves nothing behind. */
export async function upload(
  sdk: Sdk,
  connection: S3Connection,
  file: FileToStore,
  params: { Bucket: string; Key: string },
  signal: AbortSignal,
): Promise<void> {
  const source = new SourceBytes(file);
  const stop = () => source.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const sending = new sdk.libStorage.Upload({
      client: sender(sdk, connection, signal),
      params: { ...params, Body: source.stream, ContentType: file.mediaType },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    await sending.done();
  } catch (error) {
    signal.throwIfAborted();
    throw source.failure ?? error;
  } finally {
    signal.removeEventListener('abort', stop);
    source.stop();
  }
}

/**
 * The client for `Upload`. With an `abortController`, `Upload` would not abort requests under way and would clean up
 * unobserved. So each request has the signal, except the one that cleans up.
 */
function sender({ s3 }: Sdk, connection: S3Connection, signal: AbortSignal): S3.S3Client {
  const send = (command: S3.PutObjectCommand) => {
    const abortSignal = command instanceof s3.AbortMultipartUploadCommand ? undefined : signal;
    return connection.run(() => connection.calls.send(command, { abortSignal }), abortSignal);
  };
  return Object.create(connection.calls, { send: { value: send } }) as S3.S3Client;
}

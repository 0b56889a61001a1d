import { Injectable } from '@nestjs/common';
import { bulkhead, ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { ComfyUIError } from '../../domain/errors';
import type { CollectedFile } from '../../domain/job/job';
import type { OutputFile } from '../../domain/job/outputs';
import { AssetFiles } from '../assets/asset-files';
import { inspectMedia } from '../../shared/media/inspect-media';
import type { MediaHint } from '../../shared/media/media-facts';
import { newId } from '../../shared/new-id';
import { ownSignal } from '../../shared/own-signal';
import { ComfyUIClient } from '../backends/comfyui-client';
import type { TempFile } from '../../shared/temp-files/temp-file';
import { TempFiles } from '../../shared/temp-files/temp-files';

export interface FetchedFile {
  readonly file: CollectedFile;
  readonly bytes: TempFile;
}

/** ComfyUI sends files from one thread: more transfers are not faster, and each holds buffers until it is stored. */
const TRANSFERS_AT_ONCE = 6;

/** A file may appear a moment after it was named, and a transfer may break: both are retried, a few times. */
const isRetryable = handleWhen(
  (error) =>
    error instanceof ComfyUIError &&
    (error.code === 'not_found' || error.code === 'backend_error' || error.code === 'backend_unreachable'),
);

/** Transfers output files from ComfyUI through temp files into the storage, a few at a time for all jobs together. */
@Injectable()
export class OutputFetcher {
  readonly #transfers = bulkhead(TRANSFERS_AT_ONCE, Infinity);
  readonly #policy = retry(isRetryable, {
    maxAttempts: 2,
    backoff: new ExponentialBackoff({ initialDelay: 150, maxDelay: 1_000 }),
  });

  constructor(
    private readonly tempFiles: TempFiles,
    private readonly files: AssetFiles,
  ) {}

  /**
   * Resolves when the file is stored.
   * @throws ComfyUIError `output_missing` when ComfyUI does not have the file, `storage_failed`
   */
  fetch(client: ComfyUIClient, file: OutputFile, signal: AbortSignal): Promise<FetchedFile> {
    return this.#transfers.execute(() => this.#transfer(client, file, signal));
  }

  async #transfer(client: ComfyUIClient, file: OutputFile, signal: AbortSignal): Promise<FetchedFile> {
    const fetched = await this.#fetch(client, file, signal);
    try {
      await this.files.store(fetched.file, fetched.bytes, signal);
      return fetched;
    } catch (error) {
      void fetched.bytes.discard();
      throw error;
    }
  }

  async #fetch(client: ComfyUIClient, file: OutputFile, signal: AbortSignal): Promise<FetchedFile> {
    try {
      return await this.#policy.execute(() => this.#fetchOnce(client, file, signal));
    } catch (error) {
      throw error instanceof ComfyUIError && error.code === 'not_found' ? missing(file, error) : error;
    }
  }

  async #fetchOnce(client: ComfyUIClient, file: OutputFile, signal: AbortSignal): Promise<FetchedFile> {
    signal.throwIfAborted();
    const { stream, mediaType, sizeBytes } = await client.view(file, ownSignal(signal));
    const bytes = await this.tempFiles.write(stream, sizeBytes);
    return { file: { ...file, ...(await factsOf(bytes, { filename: file.filename, declared: mediaType })) }, bytes };
  }
}

/** Only known facts: a job is stored with every change. */
async function factsOf(bytes: TempFile, hint: MediaHint): Promise<Omit<CollectedFile, keyof OutputFile>> {
  const { mediaType, width, height, durationSeconds } = await inspectMedia(bytes, hint);
  return {
    assetId: newId(),
    sha256: bytes.sha256,
    mediaType,
    sizeBytes: bytes.sizeBytes,
    ...(width !== null && { width }),
    ...(height !== null && { height }),
    ...(durationSeconds !== null && { durationSeconds }),
  };
}

function missing(file: OutputFile, cause: ComfyUIError): ComfyUIError {
  const message = `Node ${file.nodeId} named the file ${file.filename}, but ComfyUI does not have it: it was deleted after an earlier run.`;
  return new ComfyUIError('output_missing', message, { cause, details: { ...file } });
}

import type { SupabaseStorageOptions } from '../../../options/supabase.options';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import {
  AssetStorage,
  type FileToStore,
  type LinkOptions,
  type OpenedFile,
  type Reading,
} from '../../../application/assets/asset-storage';
import { addressOf, checkRange } from '../address';
import { storageStream } from '../storage-stream';
import { SingleFlightPut } from '../single-flight-put';
import { probe } from '../probe';
import { StorageError } from '../storage-error';
import { wholeSize } from '../whole-size';
import { download } from './download';
import { linkTo } from './link-to';
import { dataOf, INACTIVITY_MS, SupabaseConnection } from './supabase-connection';
import { SupabaseRefusal, supabaseStorageError } from './supabase-errors';
import { type ResolvedSupabaseOptions, resolveSupabaseOptions } from './supabase-options';
import { upload } from './upload';

/**
 * Stores files in a bucket of Supabase Storage.
 * @throws ComfyUIError `storage_failed` if its client is not installed
 */
export function supabaseStorage(options: SupabaseStorageOptions): AssetStorage {
  return new SupabaseStorage(resolveSupabaseOptions(options));
}

class SupabaseStorage extends AssetStorage {
  readonly linksLast: boolean;
  readonly #connection: SupabaseConnection;
  readonly #puts = new SingleFlightPut((file, signal) => this.#store(file, signal));

  constructor(private readonly options: ResolvedSupabaseOptions) {
    super();
    this.linksLast = options.links === 'public';
    this.#connection = new SupabaseConnection(options);
  }

  async check(signal: AbortSignal): Promise<void> {
    const checkAll = () => probe(this, signal, (sha256) => this.#checkLink(sha256, signal));
    try {
      await checkAll();
    } catch (error) {
      if (!(error instanceof StorageError && error.isBucketMissing)) throw error;
      await this.#createBucket(signal);
      await checkAll();
    }
  }

  async put(file: FileToStore, signal: AbortSignal): Promise<void> {
    addressOf(file.sha256);
    await this.#puts.put(file, signal);
  }

  async open(sha256: string, { range, signal }: Reading): Promise<OpenedFile> {
    addressOf(sha256);
    checkRange(range);
    const response = await download(this.#connection, this.options, { sha256, range, signal });
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    try {
      const length = Number(response.headers.get('content-length') ?? undefined);
      const part = { contentRange: response.headers.get('content-range'), length };
      const sizeBytes = wholeSize(part, range, 'The file storage (Supabase)');
      const toError = (error: Error) => supabaseStorageError(error, this.options);
      return { stream: storageStream(body, { signal, toError, inactivityMs: INACTIVITY_MS }), sizeBytes };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async remove(sha256: string, signal: AbortSignal): Promise<void> {
    const path = addressOf(sha256);
    const removed = await this.#connection.run(async ({ files }) => dataOf(await files.remove([path])), signal);
    if (removed.length > 0 || (await this.#sizeOf(path, signal)) === undefined) return;
    // Supabase silently ignores files that a policy does not allow the key to remove.
    const message = `The file storage does not allow the key to remove files: use the secret (service_role) key, or add a delete policy on storage.objects for the bucket "${this.options.bucket}".`;
    throw new StorageError(message);
  }

  link(sha256: string, options: LinkOptions, signal: AbortSignal): Promise<string> {
    return linkTo(this.#connection, this.options, { sha256, options, signal });
  }

  async #store(file: FileToStore, signal: AbortSignal): Promise<void> {
    const path = addressOf(file.sha256);
    const isStored = async () => (await this.#sizeOf(path, signal)) === file.sizeBytes;
    if (file.isNew || !(await isStored())) await upload(this.#connection, file, { path, isStored }, signal);
  }

  #sizeOf(path: string, signal: AbortSignal): Promise<number | undefined> {
    return this.#connection.run(async ({ files }) => {
      try {
        return dataOf(await files.info(path)).size;
      } catch (error) {
        if (error instanceof SupabaseRefusal && error.isFileMissing) return undefined;
        throw error;
      }
    }, signal);
  }

  async #createBucket(signal: AbortSignal): Promise<void> {
    const { bucket, links } = this.options;
    await this.#connection.run(async ({ buckets }) => {
      try {
        dataOf(await buckets.createBucket(bucket, { public: links === 'public' }));
      } catch (error) {
        if (!(error instanceof SupabaseRefusal && error.status === 409)) throw error;
      }
    }, signal);
  }

  /** Requests the link: only that shows that the links of a private bucket are set to public. */
  async #checkLink(sha256: string, signal: AbortSignal): Promise<void> {
    const options: LinkOptions = { filename: 'probe.txt', mediaType: 'text/plain', inline: true };
    const url = await this.link(sha256, options, signal);
    const response = await this.#connection.run(({ fetch }) => fetch(url), signal);
    await response.body?.cancel();
    if (response.ok) return;
    const isPublic = this.options.links === 'public';
    const advice = isPublic
      ? `the bucket "${this.options.bucket}" must be public, or choose signed links`
      : 'check the URL of the project';
    throw new StorageError(`The links of the file storage do not work (${response.status}): ${advice}.`);
  }
}

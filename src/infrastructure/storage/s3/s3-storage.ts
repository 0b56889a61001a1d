import type { S3StorageOptions } from '../../../options/storage.options';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { contentDisposition } from '../../../shared/content-disposition';
import {
  AssetStorage,
  type FileToStore,
  type LinkOptions,
  type OpenedFile,
  type Reading,
} from '../../../application/assets/asset-storage';
import { ComfyUIError } from '../../../domain/errors';
import { addressOf, beyondEnd, checkRange, notFound, rangeHeader } from '../address';
import { storageStream } from '../storage-stream';
import { SingleFlightPut } from '../single-flight-put';
import { probe } from '../probe';
import { StorageError } from '../storage-error';
import { wholeSize } from '../whole-size';
import { INACTIVITY_MS, loadSdk, S3Connection, type Sdk } from './s3-connection';
import { s3StorageError, statusOf } from './s3-errors';
import { type ResolvedS3Options, resolveS3Options } from './s3-options';
import { upload } from './upload';

/**
 * Stores files in a bucket of S3, or of a server with its protocol.
 * @throws ComfyUIError `storage_failed` if the SDK is not installed
 */
export function s3Storage(options: S3StorageOptions): AssetStorage {
  return new S3Storage(loadSdk(), resolveS3Options(options));
}

class S3Storage extends AssetStorage {
  readonly linksLast = false;
  readonly #connection: S3Connection;
  readonly #puts = new SingleFlightPut((file, signal) => this.#store(file, signal));

  constructor(
    private readonly sdk: Sdk,
    private readonly options: ResolvedS3Options,
  ) {
    super();
    this.#connection = new S3Connection(sdk, options);
  }

  async check(signal: AbortSignal): Promise<void> {
    try {
      await probe(this, signal);
    } catch (error) {
      if (!(error instanceof StorageError && error.isBucketMissing)) throw error;
      await this.#createBucket(signal);
      await probe(this, signal);
    }
    await this.#checkAbsence(signal);
  }

  async put(file: FileToStore, signal: AbortSignal): Promise<void> {
    addressOf(file.sha256);
    await this.#puts.put(file, signal);
  }

  async open(sha256: string, { range, signal }: Reading): Promise<OpenedFile> {
    const command = { ...this.#object(sha256), Range: rangeHeader(range) };
    checkRange(range);
    const response = await this.#connection.run(async () => {
      try {
        return await this.#connection.reads.send(new this.sdk.s3.GetObjectCommand(command), { abortSignal: signal });
      } catch (error) {
        if (error instanceof this.sdk.s3.NoSuchKey) throw notFound(sha256);
        throw statusOf(error) === 416 ? beyondEnd(range) : error;
      }
    }, signal);
    const body = response.Body as Readable;
    try {
      const part = { contentRange: response.ContentRange, length: response.ContentLength };
      const sizeBytes = wholeSize(part, range, 'The file storage (S3)');
      const toError = (error: Error) => s3StorageError(error, this.options);
      return { stream: storageStream(body, { signal, toError, inactivityMs: INACTIVITY_MS }), sizeBytes };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async remove(sha256: string, signal: AbortSignal): Promise<void> {
    const command = new this.sdk.s3.DeleteObjectCommand(this.#object(sha256));
    await this.#connection.run(() => this.#connection.calls.send(command, { abortSignal: signal }), signal);
  }

  async link(sha256: string, options: LinkOptions, signal: AbortSignal): Promise<string> {
    const command = new this.sdk.s3.GetObjectCommand({
      ...this.#object(sha256),
      ResponseContentType: options.mediaType,
      ResponseContentDisposition: contentDisposition(options),
    });
    const { linkSeconds } = this.options;
    const sign = () => this.sdk.presigner.getSignedUrl(this.#connection.calls, command, { expiresIn: linkSeconds });
    return this.#connection.run(sign, signal);
  }

  async #store(file: FileToStore, signal: AbortSignal): Promise<void> {
    const object = this.#object(file.sha256);
    if (!file.isNew && (await this.#sizeOf(object, signal)) === file.sizeBytes) return;
    await upload(this.sdk, this.#connection, file, object, signal);
  }

  /** Undefined if the file does not exist, or if the key lacks s3:ListBucket: S3 then answers 403. */
  #sizeOf(object: { Bucket: string; Key: string }, signal: AbortSignal): Promise<number | undefined> {
    const command = new this.sdk.s3.HeadObjectCommand(object);
    return this.#connection.run(async () => {
      try {
        return (await this.#connection.calls.send(command, { abortSignal: signal })).ContentLength;
      } catch (error) {
        const status = statusOf(error);
        if (status === 404 || status === 403) return undefined;
        throw error;
      }
    }, signal);
  }

  async #createBucket(signal: AbortSignal): Promise<void> {
    const { bucket, region, endpoint } = this.options;
    const { CreateBucketCommand, BucketAlreadyExists, BucketAlreadyOwnedByYou } = this.sdk.s3;
    // AWS requires the region, except for us-east-1 where it refuses it; other servers have no regions.
    const needsRegion = endpoint === undefined && region !== 'us-east-1';
    const location = needsRegion ? { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } } : {};
    await this.#connection.run(async () => {
      try {
        await this.#connection.calls.send(new CreateBucketCommand({ Bucket: bucket, ...location }), {
          abortSignal: signal,
        });
      } catch (error) {
        // A concurrent process created it. Some servers report an own bucket as that of another account: the probe decides.
        if (!(error instanceof BucketAlreadyOwnedByYou || error instanceof BucketAlreadyExists)) throw error;
      }
    }, signal);
  }

  /** Checks s3:ListBucket: without it S3 answers 403 instead of 404 for a missing file. */
  async #checkAbsence(signal: AbortSignal): Promise<void> {
    try {
      const { stream } = await this.open(randomBytes(32).toString('hex'), { signal });
      stream.destroy();
    } catch (error) {
      if (!(error instanceof ComfyUIError && error.code === 'not_found')) throw error;
    }
  }

  #object(sha256: string): { Bucket: string; Key: string } {
    return { Bucket: this.options.bucket, Key: `${this.options.prefix}${addressOf(sha256)}` };
  }
}

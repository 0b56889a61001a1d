import type * as S3 from '@aws-sdk/client-s3';
import type * as LibStorage from '@aws-sdk/lib-storage';
import type * as Presigner from '@aws-sdk/s3-request-presigner';
import { loadPeer } from '../../load-peer';
import { retryPassing } from '../retry-passing';
import type { ResolvedS3Options } from './s3-options';
import { s3StorageError } from './s3-errors';

const CONNECT_MS = 5_000;
export const INACTIVITY_MS = 30_000;

/** The parts of the SDK that are used. */
export interface Sdk {
  readonly s3: typeof S3;
  readonly libStorage: typeof LibStorage;
  readonly presigner: typeof Presigner;
}

/** @throws ComfyUIError `storage_failed`; the message names the packages to install */
export function loadSdk(): Sdk {
  const load = (): Sdk => ({
    s3: require('@aws-sdk/client-s3') as typeof S3,
    libStorage: require('@aws-sdk/lib-storage') as typeof LibStorage,
    presigner: require('@aws-sdk/s3-request-presigner') as typeof Presigner,
  });
  const packages = '@aws-sdk/client-s3 @aws-sdk/lib-storage @aws-sdk/s3-request-presigner';
  return loadPeer(load, 'Storing files in S3', packages);
}

/** The S3 clients, with retries and error conversion. */
export class S3Connection {
  /** Fails on connections without data. */
  readonly calls: S3.S3Client;
  /** Limits the wait for the response head only, so that slow readers of the body cause no timeout. */
  readonly reads: S3.S3Client;

  constructor(
    sdk: Sdk,
    private readonly options: ResolvedS3Options,
  ) {
    const createClient = (handler: object) =>
      new sdk.s3.S3Client({ ...configOf(options), requestHandler: { connectionTimeout: CONNECT_MS, ...handler } });
    this.calls = createClient({ socketTimeout: INACTIVITY_MS });
    this.reads = createClient({ socketTimeout: 0, requestTimeout: INACTIVITY_MS, throwOnRequestTimeout: true });
  }

  /** Sends a request, with retries for transient errors; its body must be in memory. Rejects with the signal's reason. */
  run<T>(request: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return retryPassing(async () => {
      try {
        return await request();
      } catch (error) {
        signal?.throwIfAborted();
        throw s3StorageError(error, this.options);
      }
    }, signal);
  }
}

function configOf(options: ResolvedS3Options): S3.S3ClientConfig {
  const { region, endpoint, forcePathStyle, accessKeyId, secretAccessKey } = options;
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
  return {
    region,
    endpoint,
    forcePathStyle,
    credentials,
    // Only `run` retries.
    maxAttempts: 1,
    // Servers other than AWS refuse the checksums that the SDK adds by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
}

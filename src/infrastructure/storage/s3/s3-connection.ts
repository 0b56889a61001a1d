import type * as S3 from '@aws-sdk/client-s3';
import type * as LibStorage from '@aws-sdk/lib-storage';
import type * as Presigner from '@aws-sdk/s3-request-presigner';
import { loadPeer } from '../../load-peer';
import { retryPassing } from '../retry-passing';
import type { ResolvedS3Options } from './s3-options';
import { s3Fault } from './s3-errors';

const CONNECT_MS = 5_000;
export const SILENT_MS = 30_000;

/** The parts of the SDK that are used. */
export interface Sdk {
  readonly s3: typeof S3;
  readonly libStorage: typeof LibStorage;
  readonly presigner: typeof Presigner;
}

/** @throws ComfyUIError `storage_failed` that says what to install */
export function loadSdk(): Sdk {
  const load = (): Sdk => ({
    s3: require('@aws-sdk/client-s3') as typeof S3,
    libStorage: require('@aws-sdk/lib-storage') as typeof LibStorage,
    presigner: require('@aws-sdk/s3-request-presigner') as typeof Presigner,
  });
  const packages = '@aws-sdk/client-s3 @aws-sdk/lib-storage @aws-sdk/s3-request-presigner';
  return loadPeer(load, 'Storing files in S3', packages);
}

/** The clients, and what is done about their failures. */
export class S3Connection {
  /** Gives a silent connection up. */
  readonly calls: S3.S3Client;
  /** Waits for no longer than that for an answer, but lets a slow reader take his time over it. */
  readonly reads: S3.S3Client;

  constructor(
    sdk: Sdk,
    private readonly options: ResolvedS3Options,
  ) {
    const make = (handler: object) =>
      new sdk.s3.S3Client({ ...configOf(options), requestHandler: { connectionTimeout: CONNECT_MS, ...handler } });
    this.calls = make({ socketTimeout: SILENT_MS });
    this.reads = make({ socketTimeout: 0, requestTimeout: SILENT_MS, throwOnRequestTimeout: true });
  }

  /** Tries one request, again when that may help; its body must be in memory. Rejects with the signal's reason. */
  run<T>(request: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return retryPassing(async () => {
      try {
        return await request();
      } catch (error) {
        signal?.throwIfAborted();
        throw s3Fault(error, this.options);
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
    // One place that tries again: `run`.
    maxAttempts: 1,
    // Servers other than AWS refuse the checksums the SDK adds by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
}

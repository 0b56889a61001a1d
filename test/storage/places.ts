import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { AssetStorage } from '../../src/application/assets/asset-storage';
import type { S3StorageOptions } from '../../src/options/storage.options';
import { localStorage } from '../../src/infrastructure/storage/local/local-storage';
import { s3Storage } from '../../src/infrastructure/storage/s3/s3-storage';
import { S3Server } from '../support/s3-server';

interface Outage {
  /** Ends before the last retry. */
  readonly isShort: boolean;
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** A storage for a test, empty at first. */
export interface StoragePlace {
  readonly storage: AssetStorage;
  /** A client of the same storage, as of another process. */
  another(): AssetStorage;
  readonly hasLinks: boolean;
  /** The SHA-256 of each stored file. */
  kept(): Promise<string[]>;
  /** The number of unfinished uploads. */
  partialUploads(): Promise<number>;
  /** Undefined if the test cannot cause an outage. */
  readonly outage?: Outage;
  remove(): Promise<void>;
}

export async function inFolder(): Promise<StoragePlace & { readonly directory: string }> {
  const directory = join(await mkdtemp(join(tmpdir(), 'storage-spec-')), 'files');
  const another = () => localStorage({ directory });
  const files = async () => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory());
  };
  return {
    directory,
    storage: another(),
    another,
    hasLinks: false,
    kept: async () => (await files()).filter(({ name }) => /^[0-9a-f]{64}$/.test(name)).map(({ name }) => name),
    partialUploads: async () => (await files()).filter(({ name }) => !/^[0-9a-f]{64}$/.test(name)).length,
    outage: {
      isShort: false,
      begin: () => rename(directory, `${directory}-away`),
      end: () => rename(`${directory}-away`, directory),
    },
    remove: () => rm(join(directory, '..'), { recursive: true, force: true }),
  };
}

export type S3Place = StoragePlace & { readonly options: S3StorageOptions & { readonly bucket: string } };

/** A new bucket on a new server. */
export async function inS3(): Promise<S3Place & { readonly server: S3Server }> {
  const server = await S3Server.start();
  const { url: endpoint, accessKeyId, secretAccessKey } = server;
  const place = s3Place({ bucket: 'files', endpoint, accessKeyId, secretAccessKey });
  return {
    ...place,
    server,
    partialUploads: () => server.unfinished('files'),
    outage: { isShort: true, begin: () => server.stop(), end: () => server.listen() },
    remove: async () => {
      await server.stop();
      await server.remove();
    },
  };
}

/** A unique prefix in the bucket of `TEST_S3_*`. */
export async function inRealS3(): Promise<S3Place> {
  const { env } = process;
  const options = {
    bucket: env.TEST_S3_BUCKET ?? '',
    region: env.TEST_S3_REGION,
    endpoint: env.TEST_S3_ENDPOINT,
    accessKeyId: env.TEST_S3_ACCESS_KEY_ID,
    secretAccessKey: env.TEST_S3_SECRET_ACCESS_KEY,
    prefix: `spec-${randomUUID()}/`,
  };
  return s3Place(options);
}

function s3Place(options: S3StorageOptions): S3Place {
  const { bucket, region = 'us-east-1', endpoint, accessKeyId = '', secretAccessKey = '', prefix = '' } = options;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ region, endpoint, credentials, forcePathStyle: endpoint !== undefined });
  const keys = async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return Contents.map(({ Key = '' }) => Key);
  };
  const another = () => s3Storage(options);
  return {
    options,
    storage: another(),
    another,
    hasLinks: true,
    kept: async () => (await keys()).map((key) => key.slice(-64)),
    partialUploads: async () => {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
      return Uploads?.length ?? 0;
    },
    remove: async () => {
      for (const Key of await keys()) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    },
  };
}

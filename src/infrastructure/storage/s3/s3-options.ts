import type { S3StorageOptions } from '../../../options/storage.options';
import { StorageError } from '../storage-error';

export type ResolvedS3Options = S3StorageOptions &
  Required<Pick<S3StorageOptions, 'region' | 'forcePathStyle' | 'prefix' | 'linkSeconds'>>;

const WEEK = 604_800;

/** @throws StorageFault that names the setting, and never tells its value: it may be a secret in the wrong place */
export function resolveS3Options(options: S3StorageOptions): ResolvedS3Options {
  const { bucket, endpoint, accessKeyId, secretAccessKey, linkSeconds = 3_600, prefix = '' } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket))
    throw new StorageError('S3_BUCKET must be the name of a bucket.');
  if (endpoint !== undefined && !isPlainUrl(endpoint))
    throw new StorageError('S3_ENDPOINT must be http(s)://host[:port], without credentials.');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new StorageError('S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together: set both, or none.');
  if (!Number.isInteger(linkSeconds) || linkSeconds < 1 || linkSeconds > WEEK)
    throw new StorageError(`S3_LINK_TTL must be a whole number of seconds from 1 to ${WEEK}.`);
  return {
    ...options,
    region: options.region ?? 'us-east-1',
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    linkSeconds,
  };
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

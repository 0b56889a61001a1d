import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { networkCodeOf } from '../../network-code';
import { withoutExtras } from '../../without-extras';
import { StorageError } from '../storage-error';
import type { ResolvedS3Options } from './s3-options';

interface Meaning {
  readonly says: string;
  readonly isPassing?: boolean;
  readonly isBucketMissing?: boolean;
}

const RIGHTS = 's3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket';

/**
 * By `<name> <HTTP status> <message>`; the first that fits. From
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; `Invalid Access Key` and `InvalidMimeType` from
 * Supabase's S3, src/storage/protocols/s3; `Error` and `Unknown` are the SDK's for answers that are none of S3's.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/^NoSuchBucket\b/, { says: 'is not there: check S3_BUCKET and S3_REGION', isBucketMissing: true }],
  [
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|InvalidClientTokenId|Credentials\w*|\w+ 401|AccessDenied 403 Invalid Access Key)\b/,
    { says: 'refused our credentials: check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, and S3_REGION' },
  ],
  [/^RequestTimeTooSkewed\b/, { says: 'refused our signature: the clock of this machine is wrong' }],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|\w+ 301)\b/,
    { says: 'is in another region: check S3_REGION' },
  ],
  [/^(QuotaExceeded|XMinioStorageFull|\w+ 507)\b/, { says: 'has no room left' }],
  [/^InvalidMimeType\b/, { says: 'takes no files of this type: see the allowed types of the bucket' }],
  [/^(EntityTooLarge|\w+ 413)\b/, { says: 'takes no file as large as this one' }],
  [/^(AccessDenied|\w+ 403)\b/, { says: `allows us too little: the key of S3_ACCESS_KEY_ID needs ${RIGHTS}` }],
  [/^(SlowDown|TooManyRequests|Throttling\w*|\w+ 429)\b/, { says: 'asks us to slow down', isPassing: true }],
  [
    /^(InternalError|RequestTimeout|TimeoutError|\w+ 5\d\d)\b/,
    { says: 'does not work at the moment', isPassing: true },
  ],
  [
    /^(SyntaxError|Error [2-4]\d\d|(NotFound|Unknown) (3\d\d|404|405))\b/,
    { says: 'does not answer like S3: check S3_ENDPOINT' },
  ],
];

/** An error of the SDK in our words. */
export function s3Fault(error: unknown, { bucket, endpoint }: ResolvedS3Options): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const cause = withoutExtras(error);
  const who = `The file storage (bucket "${bucket}" on ${endpoint ?? 'AWS S3'})`;
  const code = networkCodeOf(error);
  if (code !== undefined)
    return new StorageError(`${who} can not be reached (${code}): check S3_ENDPOINT and S3_REGION.`, {
      cause,
      isPassing: true,
    });
  const failed = `${cause.name} ${statusOf(error) ?? ''}`.trim();
  const { says, ...kind } = MEANINGS.find(([pattern]) => pattern.test(`${failed} ${cause.message}`))?.[1] ?? {
    says: 'failed',
  };
  return new StorageError(`${who} ${says} (${failed}).`, { cause, ...kind });
}

/** Of the answer, if there was one. */
export function statusOf(error: unknown): number | undefined {
  const metadata = isObject(error) ? error.$metadata : undefined;
  return isObject(metadata) && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

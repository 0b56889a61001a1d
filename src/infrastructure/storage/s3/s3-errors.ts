import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { networkCodeOf } from '../../network-code';
import { withoutExtras } from '../../without-extras';
import { StorageError } from '../storage-error';
import type { ResolvedS3Options } from './s3-options';

interface Meaning {
  readonly problem: string;
  readonly isPassing?: boolean;
  readonly isBucketMissing?: boolean;
}

const PERMISSIONS = 's3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket';

/**
 * The first pattern that matches `<name> <HTTP status> <message>` decides. Sources:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; `Invalid Access Key` and `InvalidMimeType` from
 * Supabase's S3, src/storage/protocols/s3; the SDK uses `Error` and `Unknown` for responses that do not come from S3.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/^NoSuchBucket\b/, { problem: 'does not exist: check the bucket and the region', isBucketMissing: true }],
  [
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|InvalidClientTokenId|Credentials\w*|\w+ 401|AccessDenied 403 Invalid Access Key)\b/,
    { problem: 'refused the credentials: check the access key, its secret and the region' },
  ],
  [/^RequestTimeTooSkewed\b/, { problem: 'refused the signature: the clock of this machine is wrong' }],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|\w+ 301)\b/,
    { problem: 'is in another region: check the region' },
  ],
  [/^(QuotaExceeded|XMinioStorageFull|\w+ 507)\b/, { problem: 'has no space left' }],
  [/^InvalidMimeType\b/, { problem: 'refuses files of this type: see the allowed types of the bucket' }],
  [/^(EntityTooLarge|\w+ 413)\b/, { problem: 'refuses a file of this size' }],
  [/^(AccessDenied|\w+ 403)\b/, { problem: `denied access: the access key needs ${PERMISSIONS}` }],
  [/^(SlowDown|TooManyRequests|Throttling\w*|\w+ 429)\b/, { problem: 'limits the rate of requests', isPassing: true }],
  [
    /^(InternalError|RequestTimeout|TimeoutError|\w+ 5\d\d)\b/,
    { problem: 'is temporarily unavailable', isPassing: true },
  ],
  [
    /^(SyntaxError|Error [2-4]\d\d|(NotFound|Unknown) (3\d\d|404|405))\b/,
    { problem: 'does not answer like S3: check the endpoint' },
  ],
];

/** Converts an error of the SDK. */
export function s3StorageError(error: unknown, { bucket, endpoint }: ResolvedS3Options): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const cause = withoutExtras(error);
  const subject = `The file storage (bucket "${bucket}" on ${endpoint ?? 'AWS S3'})`;
  const code = networkCodeOf(error);
  if (code !== undefined)
    return new StorageError(`${subject} cannot be reached (${code}): check the endpoint and the region.`, {
      cause,
      isPassing: true,
    });
  const failed = `${cause.name} ${statusOf(error) ?? ''}`.trim();
  const { problem, ...kind } = MEANINGS.find(([pattern]) => pattern.test(`${failed} ${cause.message}`))?.[1] ?? {
    problem: 'failed',
  };
  return new StorageError(`${subject} ${problem} (${failed}).`, { cause, ...kind });
}

/** The HTTP status of the response; undefined without a response. */
export function statusOf(error: unknown): number | undefined {
  const metadata = isObject(error) ? error.$metadata : undefined;
  return isObject(metadata) && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

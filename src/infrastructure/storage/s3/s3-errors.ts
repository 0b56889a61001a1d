import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../domain/json';
import { networkCodeOf, StorageFault, withoutExtras } from '../storage-fault';
import type { ResolvedS3Options } from './s3-options';

interface Meaning {
  readonly says: string;
  readonly isPassing?: boolean;
  readonly isBucketMissing?: boolean;
}

const RIGHTS = 's3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket';

/**
 * By the error's name, or else the HTTP status:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. The first that fits.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/^NoSuchBucket\b/, { says: 'is not there: check S3_BUCKET and S3_REGION', isBucketMissing: true }],
  [/^BucketAlreadyExists\b/, { says: 'belongs to somebody else: choose another name for S3_BUCKET' }],
  [
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|InvalidClientTokenId|Credentials\w*|\w+ 401$)/,
    { says: 'refused our credentials: check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY' },
  ],
  [/^RequestTimeTooSkewed\b/, { says: 'refused our signature: the clock of this machine is wrong' }],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|\w+ 301$)/,
    { says: 'is in another region: check S3_REGION' },
  ],
  [/^(QuotaExceeded|XMinioStorageFull|\w+ 507$)/, { says: 'has no room left' }],
  [/^(EntityTooLarge|\w+ 413$)/, { says: 'takes no file as large as this one' }],
  [/^(AccessDenied|\w+ 403$)/, { says: `allows us too little: the key of S3_ACCESS_KEY_ID needs ${RIGHTS}` }],
  [/^(SlowDown|TooManyRequests|Throttling\w*|\w+ 429$)/, { says: 'asks us to slow down', isPassing: true }],
  [/^(InternalError|RequestTimeout|TimeoutError|\w+ 5\d\d$)/, { says: 'does not work at the moment', isPassing: true }],
  [/^SyntaxError\b/, { says: 'does not answer like S3: check S3_ENDPOINT' }],
];

/** An error of the SDK in our words. */
export function s3Fault(error: unknown, { bucket, endpoint }: ResolvedS3Options): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const cause = withoutExtras(error);
  const who = `The file storage (bucket "${bucket}" on ${endpoint ?? 'AWS S3'})`;
  const code = networkCodeOf(error);
  if (code !== undefined)
    return new StorageFault(`${who} can not be reached (${code}): check S3_ENDPOINT and S3_REGION.`, {
      cause,
      isPassing: true,
    });
  const failed = `${cause.name} ${statusOf(error) ?? ''}`.trim();
  const { says, ...kind } = MEANINGS.find(([pattern]) => pattern.test(failed))?.[1] ?? { says: 'failed' };
  return new StorageFault(`${who} ${says} (${failed}).`, { cause, ...kind });
}

/** Of the answer, if there was one. */
export function statusOf(error: unknown): number | undefined {
  const metadata = isObject(error) ? error.$metadata : undefined;
  return isObject(metadata) && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

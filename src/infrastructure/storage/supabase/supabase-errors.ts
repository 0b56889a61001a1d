import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { networkCodeOf } from '../../network-code';
import { withoutExtras } from '../../without-extras';
import { StorageError } from '../storage-error';
import type { ResolvedSupabaseOptions } from './supabase-options';

interface Meaning {
  readonly problem: string;
  readonly isPassing?: boolean;
  readonly isBucketMissing?: boolean;
}

/**
 * The first pattern that matches `<status> <message>`, or the name of an error of `fetch`, decides. Sources:
 * supabase/storage, src/internal/errors/codes.ts, and the 401 of the gateway.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^404 Bucket not found/,
    { problem: 'does not exist, or is hidden from the key: check the bucket', isBucketMissing: true },
  ],
  [
    /^403 .*(signature|JW[TSEK]|token|"alg"|"exp"|invalid algorithm)|^401 |^400 .*'authorization'/i,
    { problem: 'refused the key: check that it is a key of this project' },
  ],
  [
    /^403 /,
    {
      problem: 'denied access: use the secret (service_role) key, or add policies on storage.objects',
    },
  ],
  [/^413 /, { problem: 'refuses a file of this size: raise the limit of the bucket or the project' }],
  [/^415 /, { problem: 'refuses files of this type: see the allowed types of the bucket' }],
  [/^429 /, { problem: 'limits the rate of requests', isPassing: true }],
  [/^423 /, { problem: 'is locked by another request', isPassing: true }],
  [/^5\d\d /, { problem: 'is temporarily unavailable', isPassing: true }],
  [
    /^(404 |3\d\d |(Syntax|Type)Error$)/,
    { problem: 'does not answer like Supabase Storage: check the URL of the project' },
  ],
];

/** An error response of Supabase Storage: the HTTP status is nearly always 400, the body has the actual one. */
export class SupabaseRefusal extends Error {
  override readonly name = 'SupabaseRefusal';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Parses the body of a response: `{ statusCode: '404', error, message }`. */
  static of(httpStatus: number, body: unknown): SupabaseRefusal {
    const { statusCode, message } = isObject(body) ? body : {};
    const status = Number(statusCode);
    const isStatus = Number.isInteger(status) && status >= 100 && status <= 599;
    return new SupabaseRefusal(isStatus ? status : httpStatus, typeof message === 'string' ? message : 'no message');
  }

  /** For GET requests: whether the file, not the bucket, is missing. */
  get isFileMissing(): boolean {
    return this.status === 404 && /^(Object not found|The resource was not found|NoSuchKey)/.test(this.message);
  }
}

/** Converts an error of the client or of `fetch`. */
export function supabaseStorageError(error: unknown, { url, bucket }: ResolvedSupabaseOptions): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const cause = withoutExtras(error);
  const subject = `The file storage (bucket "${bucket}" on ${url})`;
  const code = networkCodeOf(error);
  if (code !== undefined)
    return new StorageError(`${subject} cannot be reached (${code}): check the URL of the project.`, {
      cause,
      isPassing: true,
    });
  const failed = error instanceof SupabaseRefusal ? `${error.status} ${error.message}` : cause.name;
  const { problem, ...kind } = MEANINGS.find(([pattern]) => pattern.test(failed))?.[1] ?? { problem: 'failed' };
  return new StorageError(`${subject} ${problem} (${failed}).`, { cause, ...kind });
}

import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { networkCodeOf } from '../../network-code';
import { withoutExtras } from '../../without-extras';
import { StorageError } from '../storage-error';
import type { ResolvedSupabaseOptions } from './supabase-options';

interface Meaning {
  readonly says: string;
  readonly isPassing?: boolean;
  readonly isBucketMissing?: boolean;
}

/**
 * By `<status> <message>`, or the name of an error of `fetch`; the first that fits. From supabase/storage, src/internal/errors/codes.ts, and the gateway's
 * own 401.
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^404 Bucket not found/,
    { says: 'is not there, or hidden from the key: check SUPABASE_BUCKET', isBucketMissing: true },
  ],
  [
    /^403 .*(signature|JW[TSEK]|token|"alg"|"exp"|invalid algorithm)|^401 |^400 .*'authorization'/i,
    { says: 'refused our key: check that SUPABASE_KEY is a key of the project of SUPABASE_URL' },
  ],
  [
    /^403 /,
    {
      says: 'allows our key too little: use the secret (service_role) key for SUPABASE_KEY, or add policies on storage.objects',
    },
  ],
  [/^413 /, { says: 'takes no file as large as this one: raise the limit of the bucket or the project' }],
  [/^415 /, { says: 'takes no files of this type: see the allowed types of the bucket' }],
  [/^429 /, { says: 'asks us to slow down', isPassing: true }],
  [/^423 /, { says: 'is locked by another request', isPassing: true }],
  [/^5\d\d /, { says: 'does not work at the moment', isPassing: true }],
  [/^(404 |3\d\d |(Syntax|Type)Error$)/, { says: 'is not what answers there: check SUPABASE_URL' }],
];

/** What Supabase Storage answered with: HTTP says 400 for nearly everything, the body says what it was. */
export class SupabaseRefusal extends Error {
  override readonly name = 'SupabaseRefusal';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Of an HTTP answer's body: `{ statusCode: '404', error, message }`. */
  static of(httpStatus: number, body: unknown): SupabaseRefusal {
    const { statusCode, message } = isObject(body) ? body : {};
    const status = Number(statusCode);
    const isStatus = Number.isInteger(status) && status >= 100 && status <= 599;
    return new SupabaseRefusal(isStatus ? status : httpStatus, typeof message === 'string' ? message : 'no message');
  }

  /** For GET: the file, not the bucket. */
  get isFileMissing(): boolean {
    return this.status === 404 && /^(Object not found|The resource was not found|NoSuchKey)/.test(this.message);
  }
}

/** An error of the client or of `fetch` in our words. */
export function supabaseFault(error: unknown, { url, bucket }: ResolvedSupabaseOptions): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const cause = withoutExtras(error);
  const who = `The file storage (bucket "${bucket}" on ${url})`;
  const code = networkCodeOf(error);
  if (code !== undefined)
    return new StorageError(`${who} can not be reached (${code}): check SUPABASE_URL.`, { cause, isPassing: true });
  const failed = error instanceof SupabaseRefusal ? `${error.status} ${error.message}` : cause.name;
  const { says, ...kind } = MEANINGS.find(([pattern]) => pattern.test(failed))?.[1] ?? { says: 'failed' };
  return new StorageError(`${who} ${says} (${failed}).`, { cause, ...kind });
}

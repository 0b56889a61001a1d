import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';

interface Failure {
  readonly says: string;
  /** Another try soon may succeed. */
  readonly isPassing: boolean;
}

/** By the code of SQLite, of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html) or of Node. */
const BY_CODE: readonly (readonly [RegExp, Failure])[] = [
  [/^(SQLITE_(BUSY|LOCKED).*|40001|40P01|55P03)$/, { says: 'is locked', isPassing: true }],
  [/^57014$/, { says: 'is locked, or too slow', isPassing: false }],
  [/^(SQLITE_FULL|53100|ENOSPC|EDQUOT)$/, { says: 'has no room left on its disk', isPassing: false }],
  [/^SQLITE_IOERR.*$/, { says: 'can not be read or written: its disk fails, or is full', isPassing: false }],
  [/^(SQLITE_(CORRUPT|NOTADB).*)$/, { says: 'is damaged', isPassing: false }],
  [
    /^(SQLITE_(CANTOPEN|READONLY).*|EACCES|EPERM|EROFS|ENOTDIR|EEXIST)$/,
    { says: 'can not be opened', isPassing: false },
  ],
  [/^(08...|25P03|57P0[1-5]|53300)$/, { says: 'can not be reached', isPassing: true }],
  [
    /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENOENT|E(HOST|NET)(UNREACH|DOWN))$/,
    { says: 'can not be reached', isPassing: true },
  ],
  [/^(28...|42501)$/, { says: 'refused our credentials, or they allow too little', isPassing: false }],
  [
    /^(26000|42P05)$/,
    { says: 'lost what it had prepared: connect without a pooler, or with one in session mode', isPassing: false },
  ],
  [/^MODULE_NOT_FOUND$/, { says: 'has no driver for this platform: use PostgreSQL', isPassing: false }],
  [/^3D000$/, { says: 'does not exist on that server', isPassing: false }],
];

/** What `pg` says of a connection without giving a code. */
const CONNECTION_LOST =
  /^(connection terminated|client (has encountered|was closed)|timeout exceeded|query read timeout)/i;

const UNREACHABLE: Failure = { says: 'can not be reached', isPassing: true };
const UNKNOWN: Failure = { says: 'failed', isPassing: false };

/** Whether another try soon may succeed: somebody holds a lock, or the connection is gone. */
export function isPassing(error: unknown): boolean {
  return failureOf(error).isPassing;
}

/** Whether the connection it came from is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  return failureOf(error).says === UNREACHABLE.says;
}

/** A driver's error in our words: by its code alone, because messages may carry what is nobody's business. */
export function storageError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const code = codeOf(error);
  const message = `The job database ${failureOf(error).says}${code === '' ? '' : ` (${code})`}.`;
  return new ComfyUIError('storage_failed', message, { cause: error });
}

function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  const known = BY_CODE.find(([pattern]) => pattern.test(code))?.[1];
  if (known) return known;
  return error instanceof Error && CONNECTION_LOST.test(error.message) ? UNREACHABLE : UNKNOWN;
}

function codeOf(error: unknown): string {
  return isObject(error) && typeof error.code === 'string' ? error.code : '';
}

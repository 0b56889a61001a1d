import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';

interface Failure {
  /** What follows "The job database". */
  readonly predicate: string;
  /** Another try soon may succeed. */
  readonly isPassing: boolean;
}

/** By the code of SQLite, of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html) or of Node. */
const BY_CODE: readonly (readonly [RegExp, Failure])[] = [
  [/^(SQLITE_(BUSY|LOCKED).*|40001|40P01|55P03)$/, { predicate: 'is locked', isPassing: true }],
  [/^57014$/, { predicate: 'is locked, or too slow', isPassing: false }],
  [/^(SQLITE_FULL|53100|ENOSPC|EDQUOT)$/, { predicate: 'has no room left on its disk', isPassing: false }],
  [/^SQLITE_IOERR.*$/, { predicate: 'cannot be read or written: its disk fails, or is full', isPassing: false }],
  [/^(SQLITE_(CORRUPT|NOTADB).*)$/, { predicate: 'is damaged', isPassing: false }],
  [
    /^(SQLITE_(CANTOPEN|READONLY).*|EACCES|EPERM|EROFS|ENOTDIR|EEXIST)$/,
    { predicate: 'cannot be opened', isPassing: false },
  ],
  [/^(08...|25P03|57P0[1-5]|53300)$/, { predicate: 'cannot be reached', isPassing: true }],
  [
    /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENOENT|E(HOST|NET)(UNREACH|DOWN))$/,
    { predicate: 'cannot be reached', isPassing: true },
  ],
  [/^(28...|42501)$/, { predicate: 'refused our credentials, or they allow too little', isPassing: false }],
  [
    /^(26000|42P05)$/,
    {
      predicate: 'lost its prepared statements: connect without a pooler, or with one in session mode',
      isPassing: false,
    },
  ],
  [/^MODULE_NOT_FOUND$/, { predicate: 'has no driver for this platform: use PostgreSQL', isPassing: false }],
  [/^3D000$/, { predicate: 'does not exist on that server', isPassing: false }],
];

/** Messages of `pg` about a connection, which have no code. */
const CONNECTION_LOST =
  /^(connection terminated|client (has encountered|was closed)|timeout exceeded|query read timeout)/i;

/** A code of PostgreSQL, as opposed to those of Node. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

const UNREACHABLE: Failure = { predicate: 'cannot be reached', isPassing: true };
const UNKNOWN: Failure = { predicate: 'failed', isPassing: false };

/** Whether another try soon may succeed: a lock is held elsewhere, or the connection is lost. */
export function isPassing(error: unknown): boolean {
  return failureOf(error).isPassing;
}

/** Whether PostgreSQL answered a query with this error, on a connection that it keeps open. */
export function isServerError(error: unknown): boolean {
  return SQLSTATE.test(codeOf(error)) && failureOf(error).predicate !== UNREACHABLE.predicate;
}

/** The error of a driver as ours; by its code alone, because its message may hold secrets. */
export function storageError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const code = codeOf(error);
  const message = `The job database ${failureOf(error).predicate}${code === '' ? '' : ` (${code})`}.`;
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

import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';
import { networkCodeOf } from '../network-code';
import { withoutExtras } from '../without-extras';

const UNREACHABLE = 'can not be reached';
/** What the client says of commands for which it has no connection, or not any more. */
const LOST = /^(Connection is closed|Stream isn't writeable|Reached the max retries|Command aborted)/;

/** By how Redis begins its errors, or by what the client says: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
const BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH )/, 'refused our credentials, or they allow too little'],
  [/^OOM /, 'has no memory left'],
  [/^(LOADING|BUSY|MASTERDOWN) /, 'is busy, or still starting'],
  [/^READONLY /, 'is a replica, which can not be written to'],
  [/^MISCONF /, 'can not write to its disk'],
  [/DB index is out of range/, 'has no database of that number'],
  [/^Socket timeout/, 'does not answer'],
  [/^connect ETIMEDOUT/, UNREACHABLE],
  [LOST, UNREACHABLE],
];

/** Whether there was no connection, or it was lost before the answer came. */
export function isConnectionLost(error: unknown): boolean {
  return LOST.test(messageOf(error));
}

/** A client's error in our words: its own may carry what is nobody's business, the arguments of AUTH among it. */
export function redisError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const code = networkCodeOf(error) ?? codeOf(error);
  const message = `Redis ${saysOf(error)}${code === undefined ? '' : ` (${code})`}.`;
  return new ComfyUIError('storage_failed', message, { cause: withoutExtras(error) });
}

function saysOf(error: unknown): string {
  if (networkCodeOf(error) !== undefined) return UNREACHABLE;
  const message = messageOf(error);
  return BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? 'failed';
}

/** Of Redis' answers the first word, of errors of TLS the code. */
function codeOf(error: unknown): string | undefined {
  if (isObject(error) && typeof error.code === 'string') return error.code;
  return /^([A-Z]{3,}) /.exec(messageOf(error))?.[1];
}

function messageOf(error: unknown): string {
  return isObject(error) && typeof error.message === 'string' ? error.message : '';
}

import { isObject } from '../shared/json';

const NETWORK_CODE =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|E(HOST|NET|ADDR)\w+|ESILENT|UND_ERR_(SOCKET|\w*TIMEOUT))$/;

/**
 * The code of a connection that failed, from any depth of an error's causes. Of an error from another realm (as under jest) the
 * AWS SDK keeps only the message, which contains the code.
 */
export function networkCodeOf(error: unknown): string | undefined {
  for (let inner = error; isObject(inner); inner = inner.cause) {
    const { code, message } = inner;
    if (typeof code === 'string' && NETWORK_CODE.test(code)) return code;
    if (typeof message !== 'string') continue;
    if (message.endsWith('socket hang up')) return 'ECONNRESET';
    const [mentioned = ''] = /\bE[A-Z]{4,}\b/.exec(message) ?? [];
    if (NETWORK_CODE.test(mentioned)) return mentioned;
  }
  return undefined;
}

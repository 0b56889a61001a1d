import { isObject } from '../shared/json';

const NETWORK_CODE =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|E(HOST|NET|ADDR)\w+|ESILENT|UND_ERR_(SOCKET|\w*TIMEOUT))$/;

/**
 * The code of a connection that could not be made or broke, however deep the client has wrapped it. The AWS SDK keeps of an
 * error that it does not take for one (from another realm, as under jest) only the text.
 */
export function networkCodeOf(error: unknown): string | undefined {
  for (let inner = error; isObject(inner); inner = inner.cause) {
    const { code, message } = inner;
    if (typeof code === 'string' && NETWORK_CODE.test(code)) return code;
    if (typeof message !== 'string') continue;
    if (message.endsWith('socket hang up')) return 'ECONNRESET';
    const [told = ''] = /\bE[A-Z]{4,}\b/.exec(message) ?? [];
    if (NETWORK_CODE.test(told)) return told;
  }
  return undefined;
}

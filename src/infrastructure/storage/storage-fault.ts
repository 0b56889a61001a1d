import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../domain/json';

interface FaultOptions {
  readonly cause?: unknown;
  /** Another try soon may succeed. */
  readonly isPassing?: boolean;
  /** The bucket is not there; it may be made. */
  readonly isBucketMissing?: boolean;
}

/** A storage that could not do what it was asked for. */
export class StorageFault extends ComfyUIError {
  readonly isPassing: boolean;
  readonly isBucketMissing: boolean;

  constructor(message: string, { cause, isPassing = false, isBucketMissing = false }: FaultOptions = {}) {
    super('storage_failed', message, { cause });
    this.isPassing = isPassing;
    this.isBucketMissing = isBucketMissing;
  }
}

/** Of an error only what is safe to log: clients hang requests, signatures and headers on theirs. */
export function withoutExtras(error: unknown): Error {
  const { name, message, stack } = isObject(error) ? error : {};
  const plain = new Error(typeof message === 'string' ? message : String(error));
  if (typeof name === 'string') plain.name = name;
  if (typeof stack === 'string') plain.stack = stack;
  return plain;
}

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

import type { IncomingMessage } from 'node:http';

/** Destroys an answer whose connection brings no byte for `ms` (to 2 x `ms`): a body may stop in its middle. */
export function destroyWhenSilent(body: IncomingMessage, ms: number): void {
  let seen = body.socket?.bytesRead;
  const timer = setInterval(() => {
    const now = body.socket?.bytesRead;
    if (now === seen) body.destroy(Object.assign(new Error(`no data for ${ms / 1000} s`), { code: 'ESILENT' }));
    seen = now;
  }, ms);
  body.once('close', () => clearInterval(timer));
}

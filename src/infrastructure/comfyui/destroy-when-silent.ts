import type { IncomingMessage } from 'node:http';

/** Destroys a response whose connection receives no byte for `ms` (up to 2 x `ms`): a body may stop in the middle. */
export function destroyWhenSilent(body: IncomingMessage, ms: number): void {
  let previous = body.socket?.bytesRead;
  const timer = setInterval(() => {
    const current = body.socket?.bytesRead;
    if (current === previous) body.destroy(Object.assign(new Error(`no data for ${ms / 1000} s`), { code: 'ESILENT' }));
    previous = current;
  }, ms);
  body.once('close', () => clearInterval(timer));
}

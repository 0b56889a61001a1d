import type { ServerResponse } from 'node:http';

interface HasHead {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/** A response as Express hands it out, or Fastify's reply around it. */
export type AnyResponse = HasHead & (ServerResponse | { readonly raw: ServerResponse });

/**
 * Calls `done` once, when the answer was sent or the caller is gone, and tells it which.
 * `disconnected` is aborted when the caller went before the answer was complete.
 */
export function watchConnection(
  response: AnyResponse,
  done: (isComplete: boolean) => void,
): { readonly disconnected: AbortSignal } {
  const raw = 'raw' in response ? response.raw : response;
  const gone = new AbortController();
  const close = () => {
    if (!raw.writableFinished) gone.abort();
    done(raw.writableFinished);
  };
  if (raw.closed) close();
  else raw.once('close', close);
  return { disconnected: gone.signal };
}

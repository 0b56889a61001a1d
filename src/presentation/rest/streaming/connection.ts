import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

interface HasHead {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  getHeaders(): OutgoingHttpHeaders;
}

/** Fastify's reply. */
interface HasRaw {
  readonly raw: ServerResponse;
  /** From now on the answer is not Fastify's. */
  hijack(): unknown;
}

/** A response as Express hands it out, or Fastify's reply around it. */
export type AnyResponse = HasHead & (ServerResponse | HasRaw);

/**
 * Calls `done` once, when the answer was sent or the caller is gone, and tells it which.
 * `disconnected` is aborted when the caller went before the answer was complete.
 */
export function watchConnection(
  response: AnyResponse,
  done: (isComplete: boolean) => void,
): { readonly disconnected: AbortSignal } {
  const raw = rawResponse(response);
  const gone = new AbortController();
  const close = () => {
    if (!raw.writableFinished) gone.abort();
    done(raw.writableFinished);
  };
  if (raw.closed) close();
  else raw.once('close', close);
  return { disconnected: gone.signal };
}

export function rawResponse(response: AnyResponse): ServerResponse {
  return 'raw' in response ? response.raw : response;
}

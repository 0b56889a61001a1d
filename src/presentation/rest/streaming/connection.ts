import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ComfyUIError } from '../../../domain/errors';

interface HasHead {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  getHeaders(): OutgoingHttpHeaders;
}

/** Fastify's reply. */
interface HasRaw {
  readonly raw: ServerResponse;
  /** Takes the response over from Fastify. */
  hijack(): unknown;
}

/** A response as Express passes it, or Fastify's reply around it. */
export type AnyResponse = HasHead & (ServerResponse | HasRaw);

/**
 * Calls `done` once, later: the response was sent, or the connection closed before it was complete. Then the signal is aborted
 * with a `canceled` error. One listener for both: connections wait in thousands.
 */
export function watchConnection(
  response: AnyResponse,
  jobId: string,
  done?: (isComplete: boolean) => void,
): AbortSignal {
  const raw = rawResponse(response);
  const disconnected = new AbortController();
  const close = () => {
    const isComplete = raw.writableFinished;
    if (!isComplete) disconnected.abort(new ComfyUIError('canceled', 'The caller disconnected.', { jobId }));
    done?.(isComplete);
  };
  if (raw.closed) queueMicrotask(close);
  else raw.once('close', close);
  return disconnected.signal;
}

export function rawResponse(response: AnyResponse): ServerResponse {
  return 'raw' in response ? response.raw : response;
}

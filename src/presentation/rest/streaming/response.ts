import type { AnyResponse } from './connection';

/** Responses describe one moment, and browsers must not run files as pages of this service. */
const COMMON_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** A response about one job. */
export interface JobResponse {
  /** Default: that of the route. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Nest sends an object as JSON, and an iterable piece by piece as the connection accepts it; it ends both when they fail. */
  readonly body: AsyncIterable<string | Buffer> | object;
}

export function jobResponse(jobId: string, headers: JobResponse['headers'], body: JobResponse['body']): JobResponse {
  return { headers: { ...COMMON_HEADERS, 'X-Job-Id': jobId, ...headers }, body };
}

export function eventsResponse(jobId: string, events: AsyncIterable<string | Buffer>): JobResponse {
  const headers = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' };
  return jobResponse(jobId, headers, events);
}

/** Sets status and headers, and returns the body for the handler to return to Nest. */
export function begin(response: AnyResponse, { status, headers, body }: JobResponse): JobResponse['body'] {
  if (status !== undefined) response.status(status);
  for (const [name, value] of Object.entries(headers)) response.header(name, value);
  return body;
}

import type { AnyResponse } from './connection';

/** Answers are about one moment, and files are not to be taken for pages of this service. */
const COMMON_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** An answer about one job. */
export interface Answer {
  /** Left out where it is the one of the route. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** An object goes out as JSON, the rest piece by piece as the connection takes it; Nest breaks that off when it fails. */
  readonly body: AsyncIterable<string | Buffer> | object;
}

export function answer(jobId: string, headers: Answer['headers'], body: Answer['body']): Answer {
  return { headers: { ...COMMON_HEADERS, 'X-Job-Id': jobId, ...headers }, body };
}

export function eventsAnswer(jobId: string, events: AsyncIterable<string | Buffer>): Answer {
  return answer(jobId, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' }, events);
}

/** Sets the head of the response and returns the body, for the handler to return to Nest. */
export function begin(response: AnyResponse, { status, headers, body }: Answer): Answer['body'] {
  if (status !== undefined) response.status(status);
  for (const [name, value] of Object.entries(headers)) response.header(name, value);
  return body;
}

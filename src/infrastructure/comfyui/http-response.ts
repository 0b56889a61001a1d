import type { IncomingMessage } from 'node:http';

/** The head of a response, and its body as a stream. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: IncomingMessage;
}

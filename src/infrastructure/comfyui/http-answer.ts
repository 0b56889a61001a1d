import type { IncomingMessage } from 'node:http';

/** The head of an answer, and its body on the way. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: IncomingMessage;
}

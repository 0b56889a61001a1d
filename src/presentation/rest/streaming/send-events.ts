import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { toComfyUIError } from '../../../domain/errors';
import { logFailure } from '../../shared/errors/log-failure';
import { type AnyResponse, rawResponse } from './connection';
import { begin, eventsResponse } from './response';

const logger = new Logger('Events');

/**
 * Writes the events of a job to the socket, without the streams of the frameworks: they take more memory than the rest of a
 * viewer. For a handler with `@Res()`; returns at once, and closes the response after the last event.
 */
export function sendEvents(response: AnyResponse, jobId: string, events: AsyncIterable<string>): void {
  begin(response, eventsResponse(jobId, events));
  if ('hijack' in response) response.hijack();
  const raw = rawResponse(response);
  raw.writeHead(200, response.getHeaders());
  if (raw.req.method === 'HEAD') raw.end();
  else void pour(events, raw);
}

/** Pulls the next event when the socket has drained: a slow viewer skips intermediate progress and previews. */
async function pour(events: AsyncIterable<string>, raw: ServerResponse): Promise<void> {
  try {
    for await (const text of events) {
      if (raw.destroyed) return;
      if (!raw.write(text)) await drained(raw);
    }
    raw.end();
  } catch (error) {
    logFailure(logger, toComfyUIError(error));
    raw.destroy();
  }
}

function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      raw.off('drain', wake).off('close', wake);
      resolve();
    };
    raw.on('drain', wake).on('close', wake);
  });
}

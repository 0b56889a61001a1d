import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { toComfyUIError } from '../../../domain/errors';
import { logFailure } from '../../shared/errors/log-failure';
import { begin, eventsAnswer } from './answer';
import { type AnyResponse, rawResponse } from './connection';

const logger = new Logger('Events');

/**
 * Sends events about a job for as long as there are any, by hand: the streams that the frameworks put in between take more
 * memory than all the rest of a viewer. For a handler with `@Res()`, which need not wait for the end.
 */
export function sendEvents(response: AnyResponse, jobId: string, events: AsyncIterable<string>): void {
  begin(response, eventsAnswer(jobId, events));
  if ('hijack' in response) response.hijack();
  const raw = rawResponse(response);
  raw.writeHead(200, response.getHeaders());
  if (raw.req.method === 'HEAD') raw.end();
  else void pour(events, raw);
}

/** The next event is asked for when the connection can take it: a slow viewer skips what may be skipped. */
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

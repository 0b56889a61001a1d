import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { logFailure } from '../../shared/errors/log-failure';
import { type AnyResponse, rawResponse } from './connection';

export interface FileResponse {
  readonly status: number;
  /** Names in lower case. They replace headers of the same name that are already set. */
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly `content-length` bytes; undefined: only the head is sent. */
  readonly body?: Readable;
  /** Called when the body is no longer read. */
  readonly done?: () => void;
}

const logger = new Logger('Files');

/**
 * Writes the head and the bytes of a file to the socket: each framework would add its own headers. For a handler with
 * `@Res()`. Resolves when the response is complete or the connection closed; a failure of the body closes the connection.
 */
export async function sendFile(response: AnyResponse, { status, headers, body, done }: FileResponse): Promise<void> {
  if ('hijack' in response) response.hijack();
  const raw = rawResponse(response);
  try {
    for (const [name, value] of Object.entries({ ...response.getHeaders(), ...headers }))
      if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(status);
    if (body) await pour(body, Number(headers['content-length']), raw);
    else raw.end();
  } catch (error) {
    logFailure(logger, toComfyUIError(error));
    body?.destroy();
    raw.destroy();
  } finally {
    done?.();
  }
}

/** @throws the error of the body; a caller that disconnects is no error */
async function pour(body: Readable, sizeBytes: number, raw: ServerResponse): Promise<void> {
  let failure: unknown;
  const exactly = async function* (source: AsyncIterable<Buffer>) {
    try {
      yield* checked(source, sizeBytes);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  await pipeline(body, exactly, raw).catch(() => undefined);
  if (failure !== undefined && !isDisconnect(failure)) throw failure;
}

/** With another number of bytes, the caller would wait for the missing ones, or read the surplus as the next response. */
async function* checked(source: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let left = sizeBytes;
  for await (const piece of source) {
    left -= piece.length;
    if (left < 0) break;
    yield piece;
  }
  if (left !== 0) throw new ComfyUIError('storage_failed', 'A file turned out to be shorter or longer than it was.');
}

function isDisconnect(error: unknown): boolean {
  return isObject(error) && (error.name === 'AbortError' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');
}

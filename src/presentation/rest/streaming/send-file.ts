import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { logFailure } from '../../shared/errors/log-failure';
import { type AnyResponse, rawResponse } from './connection';

export interface FileAnswer {
  readonly status: number;
  /** Names in lower case. They win over what was set before. */
  readonly headers: Readonly<Record<string, string>>;
  /** As many bytes as `content-length` says; without it the head is all there is. */
  readonly body?: Readable;
  /** Called when nothing of the body is read any more. */
  readonly done?: () => void;
}

const logger = new Logger('Files');

/**
 * Sends the head and the bytes of a file by hand, as they are: the frameworks would add to the head each in its own way.
 * For a handler with `@Res()`. Resolves when all is sent, or the connection is gone: what fails breaks it off.
 */
export async function sendFile(response: AnyResponse, { status, headers, body, done }: FileAnswer): Promise<void> {
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

/** @throws what the body fails with, not what the caller does */
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
  if (failure !== undefined && !isEndOfCaller(failure)) throw failure;
}

/** A caller would wait for bytes that do not come, or take those of this file for the next answer. */
async function* checked(source: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let left = sizeBytes;
  for await (const piece of source) {
    left -= piece.length;
    if (left < 0) break;
    yield piece;
  }
  if (left !== 0) throw new ComfyUIError('storage_failed', 'A file turned out to be shorter or longer than it was.');
}

function isEndOfCaller(error: unknown): boolean {
  return isObject(error) && (error.name === 'AbortError' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');
}

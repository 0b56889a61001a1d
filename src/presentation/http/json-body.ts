import type { FastifyBodyParser } from 'fastify';
import { ComfyUIError } from '../../domain/errors';
import { parseJson } from '../../domain/json';
import { oneLine } from '../../domain/text';

/** Parses JSON bodies for Fastify without loss: seeds go up to 2^64-1, which `JSON.parse` would round. */
export const parseJsonBody: FastifyBodyParser<Buffer> = (_request, body, done) => {
  try {
    done(null, body.length === 0 ? undefined : parseJson(body.toString('utf8')));
  } catch (error) {
    const reason = error instanceof Error ? oneLine(error.message, 200) : '';
    done(new ComfyUIError('invalid_request', `The body is not valid JSON: ${reason}`, { cause: error }));
  }
};

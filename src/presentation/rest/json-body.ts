import type { FastifyBodyParser } from 'fastify';
import { ComfyUIError } from '../../domain/errors';
import { parseJson } from '../../shared/json';
import { oneLine } from '../../shared/text';
import { noteNodeOrder } from '../../domain/workflow/node-order';

/** Parses JSON bodies for Fastify without loss: seeds up to 2^64-1, which `JSON.parse` would round, and the order of nodes. */
export const parseJsonBody: FastifyBodyParser<Buffer> = (_request, body, done) => {
  try {
    done(null, body.length === 0 ? undefined : parseBody(body.toString('utf8')));
  } catch (error) {
    const reason = error instanceof Error ? oneLine(error.message, 200) : '';
    done(new ComfyUIError('invalid_request', `The body is not valid JSON: ${reason}`, { cause: error }));
  }
};

function parseBody(text: string): unknown {
  const body = parseJson(text);
  noteNodeOrder(body, text);
  return body;
}

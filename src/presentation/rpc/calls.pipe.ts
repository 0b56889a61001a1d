import { Injectable, type PipeTransform } from '@nestjs/common';
import type { JobQuery } from '../../application/jobs/job-repository';
import { ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';
import { type GenerateBody, GenerateBodyPipe } from '../shared/generate/generate-body.pipe';
import { readIdempotencyKey } from '../shared/generate/idempotency-key';
import { UuidPipe } from '../shared/uuid.pipe';
import { JobQueryPipe } from '../shared/jobs/job-query.pipe';
import type { NamesStream, UnsubscribeCall } from './messages';

export interface CheckedGenerateCall extends NamesStream {
  readonly body: GenerateBody;
  readonly idempotencyKey: string | undefined;
}

/**
 * What comes with `generate`: checked as the body of `POST /generate` is.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class GenerateCallPipe implements PipeTransform<unknown, CheckedGenerateCall> {
  readonly #bodies = new GenerateBodyPipe();

  transform(call: unknown): CheckedGenerateCall {
    const body = this.#bodies.transform(call);
    const { idempotencyKey, stream } = call as Record<string, unknown>;
    return { body, idempotencyKey: readIdempotencyKey(idempotencyKey), stream: streamName(stream) };
  }
}

/**
 * What comes with `jobs.list`: checked as the query of `GET /jobs` is, but numbers may be numbers.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class JobsCallPipe implements PipeTransform<unknown, JobQuery> {
  readonly #queries = new JobQueryPipe();

  transform(call: unknown): JobQuery {
    const { limit, ...rest } = isObject(call) ? call : {};
    return this.#queries.transform({ ...rest, limit: typeof limit === 'number' ? String(limit) : limit });
  }
}

/** A stream without a name can be listened to all the same. */
@Injectable()
export class StreamNamePipe implements PipeTransform<unknown, string | undefined> {
  transform(name: unknown): string | undefined {
    return streamName(name);
  }
}

/**
 * What comes with the word that a caller left.
 * @throws ComfyUIError `invalid_request`, `not_found` for what can be no id of a job
 */
@Injectable()
export class UnsubscribeCallPipe implements PipeTransform<unknown, UnsubscribeCall> {
  readonly #ids = new UuidPipe('job');

  transform(call: unknown): UnsubscribeCall {
    const { stream: given, cancel } = isObject(call) ? call : {};
    const stream = streamName(given);
    if (stream === undefined) throw new ComfyUIError('invalid_request', 'stream must name a stream.');
    return { stream, cancel: cancel === undefined ? undefined : this.#ids.transform(cancel) };
  }
}

const LONGEST_NAME = 100;

function streamName(name: unknown): string | undefined {
  return typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME ? name : undefined;
}

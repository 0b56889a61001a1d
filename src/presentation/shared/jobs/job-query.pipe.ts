import { Injectable, type PipeTransform } from '@nestjs/common';
import type { JobQuery } from '../../../application/jobs/job-repository';
import { ComfyUIError } from '../../../domain/errors';
import { JOB_STATUSES, type JobStatus } from '../../../domain/job/job';
import { isObject } from '../../../shared/json';
import { oneLine } from '../../../shared/text';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

const LONGEST_CURSOR = 200;

/**
 * The query of `GET /jobs`, as any parser of query strings leaves it.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class JobQueryPipe implements PipeTransform<unknown, JobQuery> {
  transform(query: unknown): JobQuery {
    const { status, limit, cursor } = isObject(query) ? query : {};
    return { statuses: readStatuses(status), limit: readLimit(limit), ...readCursor(cursor) };
  }
}

/** `?status=queued,running`, `?status=queued&status=running`; none: all. */
function readStatuses(given: unknown): JobStatus[] {
  const texts = [given ?? []].flat().flatMap((text) => (typeof text === 'string' ? text.split(',') : [text]));
  const statuses = texts.map((text) => (typeof text === 'string' ? text.trim() : text)).filter((text) => text !== '');
  return [...new Set(statuses.map(toStatus))];
}

function toStatus(text: unknown): JobStatus {
  const status = JOB_STATUSES.find((known) => known === text);
  if (status) return status;
  const given = typeof text === 'string' ? oneLine(text, 60) : typeof text;
  throw refuse(`status must be any of ${JOB_STATUSES.join(', ')}; ${given} is none of them.`);
}

function readLimit(given: unknown): number {
  if (given === undefined || given === '') return DEFAULT_LIMIT;
  const limit = typeof given === 'string' && /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw refuse(`limit must be a whole number from 1 to ${MAX_LIMIT}.`);
}

/** What is in a cursor is the store's; whatever it does not know, it refuses. */
function readCursor(given: unknown): Pick<JobQuery, 'cursor'> {
  if (given === undefined || given === '') return {};
  if (typeof given === 'string' && given.length <= LONGEST_CURSOR) return { cursor: given };
  throw refuse('cursor must be the next of an earlier answer.');
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}

import { Injectable, type PipeTransform } from '@nestjs/common';
import type { AssetQuery } from '../../../application/assets/asset-repository';
import { parseIsoTime } from './iso-time';
import { QueryFields, refuse } from './query-fields';

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;
export const LONGEST_TEXT = 500;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MEDIA_TYPE = /^[a-z]+\/(?:\*|[a-z0-9][a-z0-9.+-]*)$/;

/**
 * The query of `GET /assets`, as any parser of query strings leaves it.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class AssetQueryPipe implements PipeTransform<unknown, AssetQuery> {
  transform(query: unknown): AssetQuery {
    const fields = new QueryFields(query);
    return {
      mediaType: readMediaType(fields),
      jobId: readJobId(fields),
      createdFrom: readTime(fields, 'from'),
      createdBefore: readTime(fields, 'before'),
      label: fields.text('label'),
      text: fields.text('text', LONGEST_TEXT),
      limit: readLimit(fields),
      cursor: fields.text('cursor'),
    };
  }
}

/** A `+` that was not escaped (`image/svg+xml`) comes as a space. */
function readMediaType(fields: QueryFields): string | undefined {
  const mediaType = fields.text('mediaType')?.toLowerCase().replace(' ', '+');
  if (mediaType === undefined || MEDIA_TYPE.test(mediaType)) return mediaType;
  throw refuse('mediaType must be a media type, such as image/png, or all of a kind, such as image/*.');
}

function readJobId(fields: QueryFields): string | undefined {
  const jobId = fields.text('jobId')?.toLowerCase();
  if (jobId === undefined || UUID.test(jobId)) return jobId;
  throw refuse('jobId must be the id of a job, a UUID.');
}

function readTime(fields: QueryFields, name: string): number | undefined {
  const text = fields.text(name);
  const time = text === undefined ? undefined : parseIsoTime(text);
  if (text === undefined || time !== undefined) return time;
  throw refuse(`${name} must be a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z, or a date.`);
}

function readLimit(fields: QueryFields): number {
  const limit = fields.number('limit') ?? DEFAULT_LIMIT;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw refuse(`limit must be a whole number from 1 to ${MAX_LIMIT}.`);
}

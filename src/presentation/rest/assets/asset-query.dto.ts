import { IsUUID, Matches } from 'class-validator';
import type { AssetQuery } from '../../../application/assets/asset-repository';
import { QueryNumber, QueryText, QueryTime } from '../../shared/validation/query.decorators';

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;
export const MAX_TEXT = 500;

const MEDIA_TYPE = /^[a-z]+\/(?:\*|[a-z0-9][a-z0-9.+-]*)$/;

/** The query of `GET /assets`. */
export class AssetQueryDto implements AssetQuery {
  /** A `+` that was not escaped (`image/svg+xml`) arrives as a space. */
  @Matches(MEDIA_TYPE, {
    message: 'mediaType must be a media type, such as image/png, or all of a kind, such as image/*',
  })
  @QueryText(200, (text) => text.toLowerCase().replace(' ', '+'))
  mediaType?: string;

  @IsUUID('all', { message: 'jobId must be the id of a job, a UUID' })
  @QueryText(200, (text) => text.toLowerCase())
  jobId?: string;

  @QueryTime('from')
  createdFrom?: number;

  @QueryTime('before')
  createdBefore?: number;

  @QueryText()
  label?: string;

  @QueryText(MAX_TEXT)
  text?: string;

  @QueryNumber(MAX_LIMIT)
  limit = DEFAULT_LIMIT;

  @QueryText()
  cursor?: string;
}

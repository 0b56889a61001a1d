import { applyDecorators } from '@nestjs/common';
import {
  ApiHeader,
  type ApiOperationOptions,
  type ApiParamOptions,
  ApiQuery,
  type ApiResponseOptions,
} from '@nestjs/swagger';
import { MAX_SIDE } from '../../../application/assets/images/image-transform';
import { IMAGE_FORMATS } from '../../../application/assets/images/image-converter';
import { DEFAULT_LIMIT, MAX_LIMIT, MAX_TEXT } from './asset-query.dto';

interface Schema {
  readonly type: 'string' | 'integer' | 'boolean';
  readonly [keyword: string]: unknown;
}

const text = (description: string, example?: string) => ({
  description,
  schema: { type: 'string' as const, ...(example !== undefined && { example }) },
});

const query = (name: string, schema: Schema, description: string) =>
  ApiQuery({ name, required: false, description, schema });

/** Without examples: Swagger UI would send them. */
const condition = (name: string, description: string) => ApiHeader({ name, required: false, ...text(description) });

const HEADERS = {
  ETag: text('SHA-256 of the bytes; weak for a converted image.', '"9f86d081884c7d65…"'),
  'Last-Modified': text('When the asset was stored.'),
  'Cache-Control': text('The bytes of an asset never change.', 'private, max-age=31536000, immutable'),
  'Content-Disposition': text('With its filename; `inline` for common images, videos and audio, else `attachment`.'),
  'Accept-Ranges': text('`bytes`; `none` for a converted image.', 'bytes'),
  'Content-Security-Policy': text('Keeps browsers from running the file.', "default-src 'none'; sandbox"),
};

const BINARY = { schema: { type: 'string', format: 'binary' } } as const;

/** The documentation of `/assets`. */
export const ASSETS_DOCS = {
  id: {
    name: 'id',
    description: 'The asset.',
    schema: { type: 'string', format: 'uuid' },
  } satisfies ApiParamOptions,

  list: {
    summary: 'The files of jobs, newest first',
    description: 'All filters hold. Assets that are added meanwhile neither shift nor repeat others on later pages.',
  } satisfies ApiOperationOptions,

  filters: applyDecorators(
    query('mediaType', { type: 'string', example: 'image/*' }, '`image/png`, or all of a kind: `image/*`.'),
    query('jobId', { type: 'string', format: 'uuid' }, 'Files of this job.'),
    query(
      'from',
      { type: 'string', format: 'date-time' },
      'Stored at that time or later: ISO 8601 with its zone, or a date.',
    ),
    query('before', { type: 'string', format: 'date-time' }, 'Stored before: ISO 8601 with its zone, or a date.'),
    query('label', { type: 'string', maxLength: 200 }, "The caller's name for the workflow, exactly."),
    query(
      'text',
      { type: 'string', maxLength: MAX_TEXT },
      'Part of the texts of the prompt, also the negative ones; upper and lower case are equal.',
    ),
    query(
      'limit',
      { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
      'Largest number of assets.',
    ),
    query('cursor', { type: 'string' }, '`next` of the page before.'),
  ),

  bytes: {
    summary: 'The bytes of a file',
    description: [
      'As stored, with ranges; `HEAD` returns the head alone. With `format`, `quality`, `width` or `height` a PNG, JPEG, WebP, GIF, AVIF or TIFF is converted (needs the package `sharp`):',
      '- The image is upright as its EXIF says, and has no metadata: the workflow that ComfyUI writes into its PNGs is in the stored file and not in converted images.',
      '- It is scaled to fit and never enlarged. Transparent pixels become white in a JPEG.',
      '- An animated GIF or WebP stays animated as WebP; other formats get its first frame.',
      '- Files of up to 200 MiB and 67 million pixels, to AVIF of up to 16.8 million.',
      '',
      'Converted images are cached, and requests for the same image share one conversion.',
    ].join('\n'),
  } satisfies ApiOperationOptions,

  preferences: applyDecorators(
    query(
      'format',
      { type: 'string', enum: [...IMAGE_FORMATS] },
      'Default, with other parameters: its own; WebP for a GIF, PNG for a TIFF.',
    ),
    query(
      'quality',
      { type: 'integer', minimum: 1, maximum: 100 },
      'Default 80, of AVIF 50; ignored for PNG, which is lossless.',
    ),
    query('width', { type: 'integer', minimum: 1, maximum: MAX_SIDE }, 'Largest number of pixels.'),
    query('height', { type: 'integer', minimum: 1, maximum: MAX_SIDE }, 'Largest number of pixels.'),
    query('download', { type: 'boolean' }, 'To be saved, whatever its media type; `?download` is enough.'),
  ),

  conditions: applyDecorators(
    condition('Range', 'One range of bytes, such as `bytes=0-1023`; for several, the response has all bytes.'),
    condition('If-Range', 'The range applies only to the file with this `ETag`; else the response has all bytes.'),
    condition('If-None-Match', 'No body when the file still has this `ETag`.'),
  ),

  whole: {
    description: 'All bytes, with an exact `Content-Length`.',
    headers: HEADERS,
    content: { '*/*': BINARY },
  } satisfies ApiResponseOptions,

  part: {
    description: 'The range.',
    headers: { ...HEADERS, 'Content-Range': text('The range of these bytes.', 'bytes 0-1023/392817') },
    content: { '*/*': BINARY },
  } satisfies ApiResponseOptions,

  unchanged: { description: 'The caller has it already.' } satisfies ApiResponseOptions,

  remove: {
    summary: 'Delete a file of a job that has ended',
    description: 'The job stays, and still lists the file.',
  } satisfies ApiOperationOptions,
} as const;

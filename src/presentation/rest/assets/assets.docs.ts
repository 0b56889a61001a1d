import { applyDecorators } from '@nestjs/common';
import {
  ApiHeader,
  type ApiOperationOptions,
  type ApiParamOptions,
  ApiQuery,
  type ApiResponseOptions,
} from '@nestjs/swagger';
import { LONGEST_SIDE } from '../../../application/assets/images/image-transform';
import { IMAGE_FORMATS } from '../../../application/assets/images/image-converter';
import { DEFAULT_LIMIT, LONGEST_TEXT, MAX_LIMIT } from './asset-query.pipe';

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
  ETag: text('Of the bytes: their SHA-256; of a converted picture a weak one.', '"9f86d081884c7d65…"'),
  'Last-Modified': text('When the asset was made.'),
  'Cache-Control': text('The bytes of an asset never change.', 'private, max-age=31536000, immutable'),
  'Content-Disposition': text('With its name; `inline` for common pictures, films and sound, else `attachment`.'),
  'Accept-Ranges': text('`bytes`; of a converted picture `none`.', 'bytes'),
  'Content-Security-Policy': text('It runs nothing here.', "default-src 'none'; sandbox"),
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
    summary: 'The files that jobs made, newest first',
    description: 'All filters together. Assets that come meanwhile neither shift nor repeat others on later pages.',
  } satisfies ApiOperationOptions,

  filters: applyDecorators(
    query('mediaType', { type: 'string', example: 'image/*' }, '`image/png`, or all of a kind: `image/*`.'),
    query('jobId', { type: 'string', format: 'uuid' }, 'Of this job.'),
    query('from', { type: 'string', format: 'date-time' }, 'Made then or later: ISO 8601 with its zone, or a date.'),
    query('before', { type: 'string', format: 'date-time' }, 'Made before: ISO 8601 with its zone, or a date.'),
    query('label', { type: 'string', maxLength: 200 }, "The caller's word for the workflow, exactly."),
    query(
      'text',
      { type: 'string', maxLength: LONGEST_TEXT },
      'Somewhere in the texts of the prompt, also the negative ones, in capitals or not.',
    ),
    query('limit', { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }, 'How many at most.'),
    query('cursor', { type: 'string' }, '`next` of the page before.'),
  ),

  bytes: {
    summary: 'The bytes of a file',
    description: [
      'As they were made, with ranges; `HEAD` gives the head alone. With `format`, `quality`, `width` or `height` a PNG, JPEG, WebP, GIF, AVIF or TIFF becomes another picture (needs the package `sharp`):',
      '- It stands upright as its EXIF says, and carries no metadata: the workflow that ComfyUI writes into its PNGs is in the file itself and not in converted copies.',
      '- It is scaled to fit and never enlarged. What is clear becomes white in a JPEG.',
      '- A GIF or WebP that moves goes on moving as WebP; in the other formats it is its first frame.',
      '- Files of up to 200 MiB and 67 million pixels, to AVIF of up to 16.8 million.',
      '',
      'Converted pictures are kept for a while, and one is made once for all who ask for it.',
    ].join('\n'),
  } satisfies ApiOperationOptions,

  preferences: applyDecorators(
    query(
      'format',
      { type: 'string', enum: [...IMAGE_FORMATS] },
      'Default, where something else is asked for: as it is; WebP for a GIF, PNG for a TIFF.',
    ),
    query(
      'quality',
      { type: 'integer', minimum: 1, maximum: 100 },
      'Default 80, of AVIF 50; means nothing for a PNG, which loses nothing.',
    ),
    query('width', { type: 'integer', minimum: 1, maximum: LONGEST_SIDE }, 'Pixels it may have at most.'),
    query('height', { type: 'integer', minimum: 1, maximum: LONGEST_SIDE }, 'Pixels it may have at most.'),
    query('download', { type: 'boolean' }, 'To be saved, whatever it is; `?download` is enough.'),
  ),

  conditions: applyDecorators(
    condition('Range', 'One range of bytes, such as `bytes=0-1023`; several are answered with all of them.'),
    condition('If-Range', 'The range only of the file with this `ETag`, else all of it.'),
    condition('If-None-Match', 'Nothing, when it has this `ETag` still.'),
  ),

  whole: {
    description: 'All bytes, with an exact `Content-Length`.',
    headers: HEADERS,
    content: { '*/*': BINARY },
  } satisfies ApiResponseOptions,

  part: {
    description: 'The range.',
    headers: { ...HEADERS, 'Content-Range': text('Which bytes these are.', 'bytes 0-1023/392817') },
    content: { '*/*': BINARY },
  } satisfies ApiResponseOptions,

  unchanged: { description: 'The caller has it already.' } satisfies ApiResponseOptions,

  remove: {
    summary: 'Delete a file of a job that has ended',
    description: 'The job stays, and goes on telling that it made it.',
  } satisfies ApiOperationOptions,
} as const;

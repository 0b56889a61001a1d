import { createReadStream, Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp from 'sharp';
import { servedContentType } from '../content-types';
import { Faults } from '../faults';
import { Files, isFolderType, splitAnnotation } from '../files';
import { Exchange, Reply } from './exchange';
import { empty } from './replies';
import { Router } from './router';
import { slowly } from './slow-stream';

/** GET /view: any file of the three folders. */
export class ViewRoute {
  constructor(
    private readonly files: Files,
    private readonly faults: Faults,
    private readonly death: AbortSignal,
  ) {}

  addTo(router: Router): void {
    router.add('GET', '/view', (exchange) => this.#view(exchange));
  }

  async #view(exchange: Exchange): Promise<Reply> {
    const { query } = exchange;
    const requested = query.get('filename');
    if (requested === null) return empty(404);
    const { name, type: annotated } = splitAnnotation(requested);
    if (name === '' || name.startsWith('/') || name.includes('..')) return empty(400);
    const type = annotated ?? query.get('type') ?? 'output';
    if (!isFolderType(type)) return empty(400);
    if (this.files.locate(type, query.get('subfolder') ?? '') === undefined) return empty(403);
    const filename = basename(name);
    const path = this.files.locate(type, query.get('subfolder') ?? '', filename);
    const isMissing = this.faults.take('missing-file', { filename }) !== undefined;
    const file = path === undefined || isMissing ? undefined : await statFile(path);
    if (path === undefined || file === undefined) return empty(404);
    return this.#slow(filename, await this.#answer(exchange, path, filename, file));
  }

  #answer({ query, headers }: Exchange, path: string, filename: string, file: Stats): Promise<Reply> | Reply {
    const channel = query.get('channel') ?? '';
    const preview = query.get('preview');
    if (preview !== null) return previewReply(path, filename, preview, channel);
    if (channel === 'rgb' || channel === 'a') return channelReply(path, filename, channel);
    return fileReply(path, filename, file, headers);
  }

  async #slow(filename: string, reply: Reply): Promise<Reply> {
    const fault = this.faults.take('slow-view', { filename });
    return fault === undefined ? reply : slowly(reply, fault, this.death);
  }
}

async function statFile(path: string): Promise<Stats | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found : undefined;
}

/** ComfyUI sends the name as plain UTF-8; Node encodes headers as Latin-1. */
const disposition = (filename: string): Record<string, string> => ({
  'Content-Disposition': `filename="${Buffer.from(filename).toString('latin1')}"`,
});

function fileReply(path: string, filename: string, file: Stats, request: Exchange['headers']): Reply {
  const etag = `"${Math.floor(file.mtimeMs * 1e6).toString(16)}-${file.size.toString(16)}"`;
  const headers: Record<string, string | number> = {
    ...disposition(filename),
    'Content-Type': servedContentType(filename),
    ETag: etag,
    'Last-Modified': file.mtime.toUTCString(),
    'Accept-Ranges': 'bytes',
  };
  if (request['if-none-match'] === etag) return { status: 304, headers };
  const range = rangeOf(request.range, file.size);
  if (range === 'unsatisfiable') return { status: 416, headers: { 'Content-Range': `bytes */${file.size}` } };
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  headers['Content-Length'] = end - start + 1;
  if (range !== undefined) headers['Content-Range'] = `bytes ${start}-${end}/${file.size}`;
  const body = file.size === 0 ? '' : createReadStream(path, { start, end });
  return { status: range === undefined ? 200 : 206, headers, body };
}

/** Parses a single byte range; ignores anything else. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const isSuffix = match[1] === '';
  const start = isSuffix ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = isSuffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start >= size || start > end ? 'unsatisfiable' : { start, end };
}

/** `FORMAT[;QUALITY]`: WebP, unless the format is jpeg. */
async function previewReply(path: string, filename: string, preview: string, channel: string): Promise<Reply> {
  const [requested, ...rest] = preview.split(';');
  const format = requested === 'jpeg' && !channel.includes('a') ? 'jpeg' : 'webp';
  const last = rest.at(-1) ?? requested ?? '';
  const quality = /^\d+$/.test(last) ? Math.min(100, Math.max(1, Number(last))) : 90;
  const picture = sharp(await readFile(path));
  if (format === 'jpeg' || channel === 'rgb') picture.removeAlpha();
  const body = await picture.toFormat(format, { quality }).toBuffer();
  return { status: 200, headers: { ...disposition(filename), 'Content-Type': `image/${format}` }, body };
}

/** `rgb`: a PNG without transparency. `a`: a black PNG with the transparency of the image. */
async function channelReply(path: string, filename: string, channel: 'rgb' | 'a'): Promise<Reply> {
  const source = sharp(await readFile(path));
  const body = channel === 'rgb' ? await source.removeAlpha().png().toBuffer() : await alphaOf(source);
  return { status: 200, headers: { ...disposition(filename), 'Content-Type': 'image/png' }, body };
}

async function alphaOf(source: sharp.Sharp): Promise<Buffer> {
  const { data, info } = await source.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i += info.channels) data.fill(0, i, i + info.channels - 1);
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
    .png()
    .toBuffer();
}

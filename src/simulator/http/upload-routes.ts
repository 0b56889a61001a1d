import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Files, isFolderType, normalisePath } from '../files';
import { PythonError } from '../python-values';
import { FolderType } from '../wire';
import { Exchange, Reply } from './exchange';
import { maskOnto } from './mask';
import { FormPart, parseMultipart } from './multipart';
import { empty, json } from './replies';
import { Router } from './router';

type Form = Map<string, FormPart>;

const field = (form: Form, name: string): string | undefined => form.get(name)?.content.toString();

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function addUploadRoutes(router: Router, files: Files): void {
  router
    .add('POST', '/upload/image', async (exchange) => upload(files, await formOf(exchange)))
    .add('POST', '/upload/mask', async (exchange) => {
      const form = await formOf(exchange);
      return upload(files, form, (mask) => maskOnto(files, field(form, 'original_ref'), mask));
    });
}

async function formOf(exchange: Exchange): Promise<Form> {
  return parseMultipart(exchange.headers['content-type'], await exchange.body());
}

/** Converts the uploaded bytes to those to save; undefined: nothing is saved, without an error in the response. */
type Convert = (uploaded: Buffer) => Promise<Buffer | undefined>;

async function upload(files: Files, form: Form, convert?: Convert): Promise<Reply> {
  const type = field(form, 'type') ?? 'input';
  if (!isFolderType(type)) throw new PythonError('TypeError', 'expected str, bytes or os.PathLike object');
  const image = form.get('image');
  if (image === undefined) return empty(400);
  if (image.filename === undefined) {
    if (image.content.length === 0) return empty(400);
    throw new PythonError('AttributeError', "'str' object has no attribute 'file'");
  }
  if (image.filename === '') return empty(400);
  const subfolder = field(form, 'subfolder') ?? '';
  const target = locate(files, type, subfolder, image.filename);
  if (target === undefined) return empty(400);
  mkdirSync(target.folder, { recursive: true });
  const overwrite = ['true', '1'].includes(field(form, 'overwrite') ?? '');
  const { name, isDuplicate } = overwrite
    ? { name: image.filename, isDuplicate: false }
    : freeName(target.folder, image.filename, image.content);
  if (!isDuplicate) await write(join(target.folder, name), image.content, convert);
  return json({ name, subfolder, type });
}

function locate(files: Files, type: FolderType, subfolder: string, filename: string): { folder: string } | undefined {
  const folder = files.locate(type, subfolder === '' ? '' : normalisePath(subfolder));
  const path = files.locate(type, subfolder, filename);
  return folder === undefined || path === undefined ? undefined : { folder };
}

/** `a.png`, `a (1).png`, ... until the name is free or the existing file has the same contents. */
function freeName(folder: string, filename: string, content: Buffer): { name: string; isDuplicate: boolean } {
  const extension = extname(filename);
  const stem = filename.slice(0, filename.length - extension.length);
  const hash = digest(content);
  let name = filename;
  for (let i = 1; existsSync(join(folder, name)); i++) {
    if (statSync(join(folder, name)).isFile() && digest(readFileSync(join(folder, name))) === hash) {
      return { name, isDuplicate: true };
    }
    name = `${stem} (${i})${extension}`;
  }
  return { name, isDuplicate: false };
}

async function write(path: string, uploaded: Buffer, convert?: Convert): Promise<void> {
  const content = convert === undefined ? uploaded : await convert(uploaded);
  if (content !== undefined) writeFileSync(path, content);
}

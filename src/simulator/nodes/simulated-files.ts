import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { isFolderType } from '../files';
import { parseJson } from '../python-json';
import { PythonError } from '../python-values';
import { isObject, NodeUi } from '../wire';
import { NodeContext, NodeDefinition } from './definition';

/** The magic numbers of these formats. */
const MAGIC: Record<string, Buffer> = {
  '.mp4': Buffer.from('0000001c6674797069736f6d0000020069736f6d69736f326d703431', 'hex'),
  '.webm': Buffer.from('1a45dfa3', 'hex'),
  '.wav': Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1'),
  '.flac': Buffer.from('fLaC', 'latin1'),
  '.mp3': Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1'),
  '.glb': Buffer.from('glTF\x02\0\0\0', 'latin1'),
};

interface FileItem {
  key: string;
  filename: string;
  subfolder?: string;
  type?: string;
  bytes?: number;
  content?: string;
}

const isFileItem = (item: unknown): item is FileItem =>
  isObject(item) && typeof item['key'] === 'string' && typeof item['filename'] === 'string';

function contentOf({ filename, bytes, content }: FileItem): Buffer {
  if (content !== undefined) return Buffer.from(content);
  const magic = MAGIC[extname(filename).toLowerCase()] ?? Buffer.alloc(0);
  const size = bytes ?? 1024;
  const filler = Buffer.alloc(Math.max(0, size - magic.length), 'simulated ');
  return Buffer.concat([magic, filler]).subarray(0, size);
}

async function write(item: FileItem, { files }: NodeContext): Promise<Record<string, unknown>> {
  const type = item.type ?? 'output';
  const subfolder = item.subfolder ?? '';
  const path = isFolderType(type) ? files.locate(type, subfolder, item.filename) : undefined;
  if (path === undefined) throw new PythonError('Exception', `Saving outside the ${type} folder is not allowed.`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contentOf(item));
  const { key: _key, bytes: _bytes, content: _content, ...shown } = item;
  return { ...shown, subfolder, type };
}

/**
 * An output node that shows the contents of `items`, a JSON list of `{ key, filename, bytes | content, subfolder?, type? }`
 * for files (other fields, such as `format`, are shown unchanged) and `{ key, value }` for anything else:
 * `[{"key":"gifs","filename":"a.mp4","bytes":2000,"format":"video/h264-mp4"},{"key":"text","value":"hello"}]`.
 */
export const simulatedFiles: NodeDefinition = {
  classType: 'SimulatedFiles',
  displayName: 'Files (simulated)',
  category: 'simulator',
  pythonModule: 'simulator',
  isOutput: true,
  required: { items: ['STRING', { default: '[]', multiline: true }] },
  optional: { seed: ['INT', { default: 0, min: 0, max: 2n ** 64n - 1n }], after: ['*', {}] },
  async execute(inputs, context) {
    const items = parseJson(inputs.text('items'));
    if (!Array.isArray(items)) throw new PythonError('ValueError', 'items must be a JSON list');
    const ui: NodeUi = {};
    for (const item of items) {
      if (!isObject(item) || typeof item['key'] !== 'string') throw new PythonError('KeyError', "'key'");
      const shown = isFileItem(item) ? await write(item, context) : item['value'];
      (ui[item['key']] ??= []).push(shown);
    }
    return { ui };
  },
};

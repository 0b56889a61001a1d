import { isObject } from '../../shared/json';

/**
 * ComfyUI's folder of a file: results, uploads, or temporary files such as previews.
 *
 * @publicApi
 */
export type FileType = 'output' | 'input' | 'temp';

/**
 * A file in one of ComfyUI's three folders: the query parameters of `GET /view`.
 *
 * @publicApi
 */
export interface FileReference {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: FileType;
}

/**
 * A file that a node produced.
 *
 * @publicApi
 */
export interface OutputFile extends FileReference {
  /** The node that produced the file. */
  readonly nodeId: string;
}

/**
 * A text that a node produced.
 *
 * @publicApi
 */
export interface OutputText {
  readonly nodeId: string;
  readonly text: string;
}

export interface NodeOutput {
  readonly files: readonly OutputFile[];
  readonly texts: readonly OutputText[];
}

/**
 * Finds the files and texts in a node's `output`. Custom nodes use any key (`images`, `gifs`, `audio`, `3d`, ...), so the
 * shape of an item decides: an object with a `filename` is a file, a string is a text.
 */
export function findOutputs(nodeId: string, output: unknown): NodeOutput {
  const items = isObject(output) ? Object.values(output).flat() : [];
  return {
    files: items.flatMap((item) => toFile(nodeId, item)),
    texts: items.filter((item) => typeof item === 'string').map((text) => ({ nodeId, text })),
  };
}

function toFile(nodeId: string, item: unknown): OutputFile[] {
  if (!isObject(item) || typeof item.filename !== 'string' || item.filename === '') return [];
  const subfolder = typeof item.subfolder === 'string' ? item.subfolder : '';
  return [{ nodeId, filename: item.filename, subfolder, type: toFileType(item.type) }];
}

function toFileType(type: unknown): FileType {
  return type === 'temp' || type === 'input' ? type : 'output';
}

/** Identifies an output file, so that a file reported twice counts once. */
export function outputKey(file: OutputFile): string {
  return JSON.stringify([file.nodeId, file.type, file.subfolder, file.filename]);
}

/** Drops temporary files, which are previews, unless the run produced nothing else. */
export function withoutPreviews<T extends { readonly type: FileType }>(files: readonly T[]): readonly T[] {
  const kept = files.filter((file) => file.type !== 'temp');
  return kept.length > 0 ? kept : files;
}

/** Sorts by the order of the nodes in the submitted workflow; the items of one node keep their order. */
export function inNodeOrder<T extends { readonly nodeId: string }>(
  items: readonly T[],
  nodeIds: readonly string[],
): T[] {
  const rank = new Map(nodeIds.map((id, index) => [id, index]));
  const rankOf = (item: T) => rank.get(item.nodeId) ?? nodeIds.length;
  return [...items].sort((a, b) => rankOf(a) - rankOf(b));
}

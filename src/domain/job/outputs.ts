import { isObject } from '../../shared/json';

export type FileType = 'output' | 'input' | 'temp';

/** A file in one of ComfyUI's three folders, as `/view` wants it. */
export interface FileReference {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: FileType;
}

export interface OutputFile extends FileReference {
  /** The node of the workflow that made it. */
  readonly nodeId: string;
}

export interface OutputText {
  readonly nodeId: string;
  readonly text: string;
}

export interface NodeOutput {
  readonly files: readonly OutputFile[];
  readonly texts: readonly OutputText[];
}

/**
 * Finds files and texts in what a node put out. Custom nodes use any key (`images`, `gifs`, `audio`, `3d`, ...), so an
 * item counts by its shape: an object with a `filename` is a file, a string is a text.
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

/** One key for one file of one node: the same file told twice is the same output. */
export function outputKey(file: OutputFile): string {
  return JSON.stringify([file.nodeId, file.type, file.subfolder, file.filename]);
}

/** Temporary files are previews: they count only when a run made nothing else. */
export function withoutPreviews<T extends { readonly type: FileType }>(files: readonly T[]): readonly T[] {
  const kept = files.filter((file) => file.type !== 'temp');
  return kept.length > 0 ? kept : files;
}

/** Sorts by the order of the nodes as submitted; the items of one node keep their order. */
export function inNodeOrder<T extends { readonly nodeId: string }>(
  items: readonly T[],
  nodeIds: readonly string[],
): T[] {
  const rank = new Map(nodeIds.map((id, index) => [id, index]));
  const rankOf = (item: T) => rank.get(item.nodeId) ?? nodeIds.length;
  return [...items].sort((a, b) => rankOf(a) - rankOf(b));
}

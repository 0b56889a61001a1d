import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, normalize, resolve, sep } from 'node:path';
import { contentType } from './content-types';
import { FolderType } from './wire';

const FOLDER_TYPES: readonly string[] = ['output', 'input', 'temp'] satisfies FolderType[];

export const isFolderType = (value: unknown): value is FolderType =>
  typeof value === 'string' && FOLDER_TYPES.includes(value);

/** Splits `name.png [temp]`: removes the suffix and the character before it, whatever that is, as ComfyUI does. */
export function splitAnnotation(name: string): { name: string; type?: FolderType } {
  for (const type of ['output', 'input', 'temp'] as const) {
    const suffix = `[${type}]`;
    if (name.endsWith(suffix)) return { name: name.slice(0, -(suffix.length + 1)), type };
  }
  return { name };
}

/** The three folders that ComfyUI serves; nothing outside them is read or written. */
export class Files {
  constructor(readonly directory: string) {
    for (const type of ['output', 'input', 'temp'] as const) mkdirSync(this.folder(type), { recursive: true });
  }

  folder(type: FolderType): string {
    return resolve(this.directory, type);
  }

  /** The absolute path of `parts` below a folder; undefined if it leads out of the folder. */
  locate(type: FolderType, ...parts: string[]): string | undefined {
    const root = this.folder(type);
    const path = resolve(join(root, ...parts.map((part) => (part === '' ? '.' : part))));
    const isAbsolute = parts.some((part) => part.startsWith('/'));
    return !isAbsolute && (path === root || path.startsWith(root + sep)) ? path : undefined;
  }

  /** The path that an input such as LoadImage's names, below `input` unless annotated. It may be a folder. */
  annotated(name: string): string | undefined {
    const { name: bare, type } = splitAnnotation(name);
    const path = this.locate(type ?? 'input', bare);
    return path !== undefined && existsSync(path) ? path : undefined;
  }

  /** Names of the images directly in `input`, sorted: the choices of LoadImage. */
  inputImages(): string[] {
    return readdirSync(this.folder('input'), { withFileTypes: true })
      .filter((entry) => entry.isFile() && contentType(entry.name).startsWith('image/'))
      .map((entry) => entry.name)
      .sort();
  }

  /** ComfyUI deletes `temp` at its start and end. */
  clearTemp(): void {
    rmSync(this.folder('temp'), { recursive: true, force: true });
    mkdirSync(this.folder('temp'), { recursive: true });
  }
}

/** Python's `os.path.normpath` for the relative paths used here. */
export const normalisePath = (path: string): string => normalize(path).replace(/(.)\/+$/, '$1');

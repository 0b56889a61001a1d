import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Files, normalisePath } from './files';
import { PythonError } from './python-values';
import { FolderType } from './wire';

interface FolderNames {
  modified: bigint;
  names: Set<string>;
  /** Reserved names of files that are still being written. */
  reserved: Set<string>;
}

export interface ReservedNames {
  folder: string;
  subfolder: string;
  filenames: string[];
}

function substitute(prefix: string, width: number, height: number): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, '0');
  const variables: Record<string, string> = {
    '%width%': String(width),
    '%height%': String(height),
    '%year%': String(now.getFullYear()),
    '%month%': two(now.getMonth() + 1),
    '%day%': two(now.getDate()),
    '%hour%': two(now.getHours()),
    '%minute%': two(now.getMinutes()),
    '%second%': two(now.getSeconds()),
  };
  return prefix.replace(/%\w+%/g, (variable) => variables[variable] ?? variable);
}

/**
 * ComfyUI's names: `prefix_00001_.png`, one above the highest number in the folder. The folder is read again only after a
 * change by others, so that many thousands of files stay cheap.
 */
export class FileNaming {
  readonly #folders = new Map<string, FolderNames>();

  constructor(private readonly files: Files) {}

  /** Reserves names for `count` images. Throws if the prefix leads out of the folder. */
  reserve(type: FolderType, prefix: string, size: { width: number; height: number; count: number }): ReservedNames {
    const path = normalisePath(substitute(prefix, size.width, size.height));
    const subfolder = dirname(path) === '.' ? '' : dirname(path);
    const name = basename(path);
    const folder = this.files.locate(type, subfolder);
    if (folder === undefined) throw outside(join(this.files.folder(type), subfolder), this.files.folder(type));
    mkdirSync(folder, { recursive: true });
    const known = this.#read(folder);
    const first = highest(known, name) + 1;
    const filenames = Array.from({ length: size.count }, (_, index) => {
      const numbered = `${name.replaceAll('%batch_num%', String(index))}_${String(first + index).padStart(5, '0')}_.png`;
      known.reserved.add(numbered);
      return numbered;
    });
    return { folder, subfolder, filenames };
  }

  /** Releases the reservation after the files are written. */
  written({ folder, filenames }: ReservedNames): void {
    const known = this.#folders.get(folder);
    if (known === undefined) return;
    for (const name of filenames) {
      known.reserved.delete(name);
      known.names.add(name);
    }
    known.modified = statSync(folder, { bigint: true }).mtimeNs;
  }

  #read(folder: string): FolderNames {
    const modified = statSync(folder, { bigint: true }).mtimeNs;
    const known = this.#folders.get(folder);
    if (known?.modified === modified) return known;
    const fresh = { modified, names: new Set(readdirSync(folder)), reserved: known?.reserved ?? new Set<string>() };
    this.#folders.set(folder, fresh);
    return fresh;
  }
}

function highest({ names, reserved }: FolderNames, name: string): number {
  const start = `${name}_`;
  let max = 0;
  for (const set of [names, reserved]) {
    for (const file of set) {
      if (file.startsWith(start)) max = Math.max(max, Number.parseInt(file.slice(start.length), 10) || 0);
    }
  }
  return max;
}

const outside = (folder: string, root: string): PythonError =>
  new PythonError(
    'Exception',
    '**** ERROR: Saving image outside the output folder is not allowed.' +
      `\n full_output_folder: ${folder}\n         output_dir: ${root}\n         commonpath: ${dirname(root)}`,
  );

import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, realpath, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StorageError } from '../storage-error';
import { syncFolder } from './descriptors';
import { codeOf } from './local-errors';

const OWNER_ONLY = 0o700;
/** O_NOFOLLOW is undefined on Windows and then has no effect. */
const { O_RDONLY, O_NOFOLLOW } = constants;

/** A new name is durable only after a sync of its folder; Windows does not support or need that. */
const SYNCS_FOLDERS = process.platform !== 'win32';

export interface FoundFile {
  readonly handle: FileHandle;
  readonly size: number;
}

/** The folder of the stored files. Symbolic links in it that lead out of it are refused. */
export class Folder {
  #root: Promise<string> | undefined;
  /** Folders that passed their checks, which are not repeated until an operation fails. */
  readonly #prepared = new Set<string>();
  readonly #checked = new Set<string>();

  constructor(private readonly directory: string) {}

  /** The real path. Created only once: a folder that disappears later is a disk that was removed. */
  root(): Promise<string> {
    this.#root ??= this.#create().catch((error: unknown) => {
      this.#root = undefined;
      throw error;
    });
    return this.#root;
  }

  /**
   * The absolute path of a file, whether it exists or not.
   * @param address `ab/abcd...`
   */
  async pathOf(address: string): Promise<string> {
    return join(await this.root(), address);
  }

  /** Creates the folder of a file, durably. */
  async createFor(path: string): Promise<void> {
    const folder = dirname(path);
    if (!this.#prepared.has(folder)) await this.#prepare(folder);
  }

  /** Makes the new name of a file durable. */
  async syncFor(path: string): Promise<void> {
    if (SYNCS_FOLDERS) await syncFolder(dirname(path));
  }

  /** Repeats all checks on next use, after a failure that removed or replaced folders may have caused. */
  resetChecks(): void {
    this.#prepared.clear();
    this.#checked.clear();
  }

  /** Undefined if the file does not exist. */
  async openFile(path: string): Promise<FoundFile | undefined> {
    const handle = await this.#ifExists(path, () => open(path, O_RDONLY | O_NOFOLLOW));
    if (!handle) return undefined;
    try {
      const stats = await handle.stat();
      if (stats.isFile()) return { handle, size: stats.size };
      throw new StorageError(`${path} is not a regular file.`);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async removeFile(path: string): Promise<void> {
    await this.#ifExists(path, () => unlink(path));
  }

  async #ifExists<T>(path: string, operation: () => Promise<T>): Promise<T | undefined> {
    try {
      await this.#refuseLinks(dirname(path));
      return await operation();
    } catch (error) {
      this.resetChecks();
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    // Without the root the file is not lost: its disk may be mounted again. Then access throws.
    await access(await this.root());
    return undefined;
  }

  async #prepare(folder: string): Promise<void> {
    try {
      await mkdir(folder, { mode: OWNER_ONLY });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    await this.#refuseLinks(folder);
    // Even if the folder exists: the process that created it may not have synced it yet.
    await this.syncFor(folder);
    this.#prepared.add(folder);
  }

  async #create(): Promise<string> {
    await mkdir(resolve(this.directory), { recursive: true, mode: OWNER_ONLY });
    return realpath(this.directory);
  }

  async #refuseLinks(folder: string): Promise<void> {
    if (this.#checked.has(folder)) return;
    if ((await realpath(folder)) !== folder)
      throw new StorageError(`A symbolic link leads out of the folder for files: ${folder}.`);
    this.#checked.add(folder);
  }
}

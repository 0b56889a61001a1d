import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, realpath, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { StorageError } from '../storage-error';
import { syncFolder } from './descriptors';
import { codeOf } from './local-errors';

const OWNER_ONLY = 0o700;
/** Windows has no O_NOFOLLOW; then it counts for nothing. */
const { O_RDONLY, O_NOFOLLOW } = constants;

/** A new name in a folder lasts only when the folder was synced; Windows can not, and need not. */
const SYNCS_FOLDERS = process.platform !== 'win32';

export interface FoundFile {
  readonly handle: FileHandle;
  readonly size: number;
}

/** The folder files are kept in. Nothing in it leads out of it. */
export class Folder {
  #root: Promise<string> | undefined;
  /** What was found well is not looked at again until something fails. */
  readonly #prepared = new Set<string>();
  readonly #checked = new Set<string>();

  constructor(private readonly directory: string) {}

  /** Its real path. It is made once: later on, a folder that is gone is a disk that was taken away. */
  root(): Promise<string> {
    this.#root ??= this.#make().catch((error: unknown) => {
      this.#root = undefined;
      throw error;
    });
    return this.#root;
  }

  /** Where a file is or would be. @param address `ab/abcd...` */
  async pathOf(address: string): Promise<string> {
    return join(await this.root(), address);
  }

  /** Makes the folder of a file, so that it lasts. */
  async makeFor(path: string): Promise<void> {
    const folder = dirname(path);
    if (!this.#prepared.has(folder)) await this.#prepare(folder);
  }

  /** Makes the new name of a file last. */
  async syncFor(path: string): Promise<void> {
    if (SYNCS_FOLDERS) await syncFolder(dirname(path));
  }

  /** Something failed: folders may be gone, or not what they were. */
  distrust(): void {
    this.#prepared.clear();
    this.#checked.clear();
  }

  /** Undefined when it is not there. */
  async openFile(path: string): Promise<FoundFile | undefined> {
    const handle = await this.#ifThere(path, () => open(path, O_RDONLY | O_NOFOLLOW));
    if (!handle) return undefined;
    try {
      const found = await handle.stat();
      if (found.isFile()) return { handle, size: found.size };
      throw new StorageError(`What is at ${path} is no file.`);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async removeFile(path: string): Promise<void> {
    await this.#ifThere(path, () => unlink(path));
  }

  async #ifThere<T>(path: string, act: () => Promise<T>): Promise<T | undefined> {
    try {
      await this.#refuseLinks(dirname(path));
      return await act();
    } catch (error) {
      this.distrust();
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    // Without the root nothing is lost yet: its disk may come back.
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
    // Also where it was there: whoever has just made it may not have come so far.
    await this.syncFor(folder);
    this.#prepared.add(folder);
  }

  async #make(): Promise<string> {
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

import { type FileHandle, lstat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  AssetStorage,
  type ByteRange,
  type FileToStore,
  type LinkOptions,
  type OpenedFile,
  type Reading,
} from '../../../application/assets/asset-storage';
import { addressOf, beyondEnd, checkRange, notFound } from '../address';
import { handedOut } from '../handed-out';
import { OnePut } from '../one-put';
import { probe } from '../probe';
import { SourceBytes } from '../source-bytes';
import { StorageError } from '../storage-error';
import { Folder, type FoundFile } from './folder';
import { canNotLink, fromFile, fromMemory, fromStream } from './file-writers';
import { type Fill, removeHalves, writeWhole } from './partial-uploads';
import { localFault } from './local-errors';
import type { LocalStorageOptions } from './local-options';

const READ_BYTES = 256 * 1024;

/** Files in a folder, for one process or several on one file system. */
export function localStorage(options: LocalStorageOptions): AssetStorage {
  return new LocalStorage(options);
}

class LocalStorage extends AssetStorage {
  readonly linksLast = false;
  readonly #folder: Folder;
  readonly #puts = new OnePut((file, signal) => this.#store(file, signal));

  constructor(private readonly options: LocalStorageOptions) {
    super();
    this.#folder = new Folder(options.directory);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#told(async () => removeHalves(await this.#folder.root(), this.options.isOwn === true));
    await probe(this, signal);
  }

  async put(file: FileToStore, signal: AbortSignal): Promise<void> {
    addressOf(file.sha256);
    await this.#puts.put(file, signal);
  }

  async open(sha256: string, { range, signal }: Reading): Promise<OpenedFile> {
    const address = addressOf(sha256);
    checkRange(range);
    signal.throwIfAborted();
    const { handle, size } = await this.#told(() => this.#find(sha256, address));
    if (range && range.start >= size) {
      await handle.close();
      throw beyondEnd(range);
    }
    const { start = 0, end = size - 1 } = range ?? {};
    const span = { start, end: Math.min(end, size - 1) };
    const told = (error: Error) => localFault(error, this.options.directory);
    const toStream = (source: Readable) => handedOut(source, { signal, told });
    if (span.end - start < READ_BYTES)
      return new SmallFile(size, await this.#told(() => readAtOnce(handle, span)), toStream);
    const source = handle.createReadStream({ ...span, highWaterMark: READ_BYTES });
    return { stream: toStream(source), sizeBytes: size };
  }

  async remove(sha256: string, signal: AbortSignal): Promise<void> {
    const address = addressOf(sha256);
    signal.throwIfAborted();
    await this.#told(async () => this.#folder.removeFile(await this.#folder.pathOf(address)));
  }

  async link(sha256: string, _wish: LinkOptions, signal: AbortSignal): Promise<null> {
    addressOf(sha256);
    signal.throwIfAborted();
    return null;
  }

  async #store(file: FileToStore, signal: AbortSignal): Promise<void> {
    const path = await this.#told(() => this.#folder.pathOf(addressOf(file.sha256)));
    if (!file.isNew && (await sizeOf(path)) === file.sizeBytes) return;
    signal.throwIfAborted();
    if (file.bytes?.length === file.sizeBytes) await this.#told(() => this.#write(path, fromMemory(file.bytes!)));
    else if (!(await this.#link(file, path))) await this.#storeStream(file, path, signal);
  }

  /** @returns whether it could */
  async #link({ path: source, sizeBytes }: FileToStore, path: string): Promise<boolean> {
    if (source === undefined || (await sizeOf(source)) !== sizeBytes) return false;
    try {
      await this.#write(path, fromFile(source));
      return true;
    } catch (error) {
      if (canNotLink(error)) return false;
      throw localFault(error, this.options.directory);
    }
  }

  async #storeStream(file: FileToStore, path: string, signal: AbortSignal): Promise<void> {
    const source = new SourceBytes(file);
    const stop = () => source.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      await this.#write(path, fromStream(source.stream));
    } catch (error) {
      signal.throwIfAborted();
      throw source.failure ?? localFault(error, this.options.directory);
    } finally {
      signal.removeEventListener('abort', stop);
      source.stop();
    }
  }

  #write(path: string, fill: Fill): Promise<void> {
    return writeWhole(this.#folder, path, fill);
  }

  async #find(sha256: string, address: string): Promise<FoundFile> {
    const found = await this.#folder.openFile(await this.#folder.pathOf(address));
    if (!found) throw notFound(sha256);
    return found;
  }

  async #told<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw localFault(error, this.options.directory);
    }
  }
}

/** What a stream takes one piece for is read at once; a stream of it is made for who wants one. */
class SmallFile implements OpenedFile {
  #stream: Readable | undefined;

  constructor(
    readonly sizeBytes: number,
    readonly bytes: Buffer,
    private readonly toStream: (source: Readable) => Readable,
  ) {}

  get stream(): Readable {
    this.#stream ??= this.toStream(Readable.from(this.bytes.length > 0 ? [this.bytes] : [], { objectMode: false }));
    return this.#stream;
  }
}

/** Lets go of the file when it is read. */
async function readAtOnce(handle: FileHandle, { start, end }: ByteRange): Promise<Buffer> {
  // Of its own: what is cut off a shared one holds all of that.
  const bytes = Buffer.allocUnsafeSlow(end - start + 1);
  try {
    for (let read = 0; read < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
      if (bytesRead === 0) throw new StorageError('A file became shorter while it was read.');
      read += bytesRead;
    }
    return bytes;
  } finally {
    // Nobody waits for it, or learns of it.
    handle.close().catch(() => undefined);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

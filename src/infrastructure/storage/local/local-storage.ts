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
import { storageStream } from '../storage-stream';
import { SingleFlightPut } from '../single-flight-put';
import { probe } from '../probe';
import { SourceBytes } from '../source-bytes';
import { StorageError } from '../storage-error';
import { Folder, type FoundFile } from './folder';
import { fromFile, fromMemory, fromStream, isLinkUnsupported } from './file-writers';
import { type FileWriter, removePartialUploads, writeAtomically } from './partial-uploads';
import { localStorageError } from './local-errors';
import type { LocalStorageOptions } from './local-options';

const READ_BYTES = 256 * 1024;

/** Stores files in a folder, for one process or several on the same file system. */
export function localStorage(options: LocalStorageOptions): AssetStorage {
  return new LocalStorage(options);
}

class LocalStorage extends AssetStorage {
  readonly linksLast = false;
  readonly #folder: Folder;
  readonly #puts = new SingleFlightPut((file, signal) => this.#store(file, signal));

  constructor(private readonly options: LocalStorageOptions) {
    super();
    this.#folder = new Folder(options.directory);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#withErrors(async () => removePartialUploads(await this.#folder.root(), this.options.isOwn === true));
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
    const { handle, size } = await this.#withErrors(() => this.#find(sha256, address));
    if (range && range.start >= size) {
      await handle.close();
      throw beyondEnd(range);
    }
    const { start = 0, end = size - 1 } = range ?? {};
    const span = { start, end: Math.min(end, size - 1) };
    const toError = (error: Error) => localStorageError(error, this.options.directory);
    const toStream = (source: Readable) => storageStream(source, { signal, toError });
    if (span.end - start < READ_BYTES)
      return new SmallFile(size, await this.#withErrors(() => readAll(handle, span)), toStream);
    const source = handle.createReadStream({ ...span, highWaterMark: READ_BYTES });
    return { stream: toStream(source), sizeBytes: size };
  }

  async remove(sha256: string, signal: AbortSignal): Promise<void> {
    const address = addressOf(sha256);
    signal.throwIfAborted();
    await this.#withErrors(async () => this.#folder.removeFile(await this.#folder.pathOf(address)));
  }

  async link(sha256: string, _options: LinkOptions, signal: AbortSignal): Promise<null> {
    addressOf(sha256);
    signal.throwIfAborted();
    return null;
  }

  async #store(file: FileToStore, signal: AbortSignal): Promise<void> {
    const path = await this.#withErrors(() => this.#folder.pathOf(addressOf(file.sha256)));
    if (!file.isNew && (await sizeOf(path)) === file.sizeBytes) return;
    signal.throwIfAborted();
    if (file.bytes?.length === file.sizeBytes) await this.#withErrors(() => this.#write(path, fromMemory(file.bytes!)));
    else if (!(await this.#link(file, path))) await this.#storeStream(file, path, signal);
  }

  /** @returns whether a hard link was created */
  async #link({ path: source, sizeBytes }: FileToStore, path: string): Promise<boolean> {
    if (source === undefined || (await sizeOf(source)) !== sizeBytes) return false;
    try {
      await this.#write(path, fromFile(source));
      return true;
    } catch (error) {
      if (isLinkUnsupported(error)) return false;
      throw localStorageError(error, this.options.directory);
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
      throw source.failure ?? localStorageError(error, this.options.directory);
    } finally {
      signal.removeEventListener('abort', stop);
      source.stop();
    }
  }

  #write(path: string, writer: FileWriter): Promise<void> {
    return writeAtomically(this.#folder, path, writer);
  }

  async #find(sha256: string, address: string): Promise<FoundFile> {
    const found = await this.#folder.openFile(await this.#folder.pathOf(address));
    if (!found) throw notFound(sha256);
    return found;
  }

  async #withErrors<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      throw localStorageError(error, this.options.directory);
    }
  }
}

/** A file of at most one chunk, read at once; its stream is created on first use. */
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

/** Reads the range and closes the file. */
async function readAll(handle: FileHandle, { start, end }: ByteRange): Promise<Buffer> {
  // Not from the buffer pool: a slice of it would keep the whole pool in memory.
  const bytes = Buffer.allocUnsafeSlow(end - start + 1);
  try {
    for (let read = 0; read < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
      if (bytesRead === 0) throw new StorageError('A file became shorter while it was read.');
      read += bytesRead;
    }
    return bytes;
  } finally {
    // The bytes are complete: the result does not depend on closing.
    handle.close().catch(() => undefined);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() ? stats.size : undefined;
}

import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { TempFile } from './temp-file';
import { FileInMemory, FileOnDisk } from './stored-temp-files';

/** Larger files always go to disk. */
const LARGEST_IN_MEMORY = 2 * 1024 * 1024;
/** Enough for the size of any image whose header does not follow 64 KiB of metadata. */
const HEAD_BYTES = 64 * 1024;

/**
 * Writes one file: into memory up to a limit, then to disk. In memory the chunks are copied into one buffer, of the expected
 * size if that is known: many small buffers would stay until a full garbage collection.
 */
export class TempFileWriter {
  readonly #hash: Hash | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #size = 0;
  #head: Buffer = Buffer.alloc(0);
  #path = '';
  #handle: FileHandle | undefined;

  constructor(
    private readonly newPath: () => Promise<string>,
    private readonly reserve: (bytes: number) => boolean,
    private readonly expected: { readonly bytes: number; readonly sha256?: string },
  ) {
    this.#hash = expected.sha256 === undefined ? createHash('sha256') : undefined;
  }

  async add(chunk: Buffer): Promise<void> {
    this.#hash?.update(chunk);
    const start = this.#size;
    this.#size += chunk.length;
    if (start === 0 && this.#isAll(chunk) && this.reserve(chunk.length)) {
      this.#bytes = chunk;
      return;
    }
    if (!this.#handle && this.#growBuffer()) {
      chunk.copy(this.#bytes, start);
      return;
    }
    this.#handle ??= await this.#moveToDisk(start);
    this.#keepHead(chunk);
    await this.#handle.writeFile(chunk);
  }

  async finish(): Promise<TempFile> {
    const sha256 = this.#hash?.digest('hex') ?? this.expected.sha256 ?? '';
    if (this.#handle) {
      await this.#handle.close();
      return new FileOnDisk(this.#path, this.#size, sha256, this.#head);
    }
    const { length } = this.#bytes;
    const bytes = this.#bytes.subarray(0, this.#size);
    return new FileInMemory(bytes, sha256, bytes.subarray(0, HEAD_BYTES), () => void this.reserve(-length));
  }

  async abandon(): Promise<void> {
    this.reserve(-this.#bytes.length);
    await this.#handle?.close().catch(() => undefined);
    if (this.#path !== '') await rm(this.#path, { force: true });
  }

  /** Whether the chunk is the whole file in a buffer of its own, which needs no copy. */
  #isAll({ length, buffer }: Buffer): boolean {
    return length === this.expected.bytes && length === buffer.byteLength && length <= LARGEST_IN_MEMORY;
  }

  /** Whether the bytes so far fit into memory. Without an expected size the buffer doubles. */
  #growBuffer(): boolean {
    if (this.#size <= this.#bytes.length) return true;
    const neededBytes = Math.max(this.#size, this.expected.bytes, Math.min(2 * this.#bytes.length, LARGEST_IN_MEMORY));
    if (neededBytes > LARGEST_IN_MEMORY || !this.reserve(neededBytes - this.#bytes.length)) return false;
    const larger = Buffer.allocUnsafeSlow(neededBytes);
    this.#bytes.copy(larger);
    this.#bytes = larger;
    return true;
  }

  /** Copies, so that the rest of the chunk can be released. */
  #keepHead(chunk: Buffer): void {
    const missing = HEAD_BYTES - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
  }

  async #moveToDisk(writtenBytes: number): Promise<FileHandle> {
    this.#path = await this.newPath();
    const handle = await open(this.#path, 'wx', 0o600);
    const written = this.#bytes.subarray(0, writtenBytes);
    this.#keepHead(written);
    await handle.writeFile(written);
    this.reserve(-this.#bytes.length);
    this.#bytes = Buffer.alloc(0);
    return handle;
  }
}

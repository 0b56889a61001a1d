import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { TempFile } from '../../application/assets/temp-files';
import { FileInMemory, FileOnDisk } from './stored-temp-files';

/** Larger files go to disk whatever memory is left. */
const LARGEST_IN_MEMORY = 2 * 1024 * 1024;
/** Enough for the pixels of any picture whose header does not follow 64 KiB of metadata. */
const HEAD_BYTES = 64 * 1024;

/**
 * One file on its way in: collects it in memory until it is too much, then moves to disk. In memory it is copied together,
 * into one piece where its size is told: the many small ones it comes in would each wait for a full garbage collection.
 */
export class SpoolWriter {
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
    if (!this.#handle && this.#makeRoom()) {
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

  /** The whole file, in memory of its own: that needs no copy. */
  #isAll({ length, buffer }: Buffer): boolean {
    return length === this.expected.bytes && length === buffer.byteLength && length <= LARGEST_IN_MEMORY;
  }

  /** Whether all of it so far fits into memory; when its size is not told, what it takes doubles. */
  #makeRoom(): boolean {
    if (this.#size <= this.#bytes.length) return true;
    const wanted = Math.max(this.#size, this.expected.bytes, Math.min(2 * this.#bytes.length, LARGEST_IN_MEMORY));
    if (wanted > LARGEST_IN_MEMORY || !this.reserve(wanted - this.#bytes.length)) return false;
    const room = Buffer.allocUnsafeSlow(wanted);
    this.#bytes.copy(room);
    this.#bytes = room;
    return true;
  }

  /** A copy: the rest of the chunk is not to be held. */
  #keepHead(chunk: Buffer): void {
    const missing = HEAD_BYTES - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
  }

  async #moveToDisk(sizeSoFar: number): Promise<FileHandle> {
    this.#path = await this.newPath();
    const handle = await open(this.#path, 'wx', 0o600);
    const soFar = this.#bytes.subarray(0, sizeSoFar);
    this.#keepHead(soFar);
    await handle.writeFile(soFar);
    this.reserve(-this.#bytes.length);
    this.#bytes = Buffer.alloc(0);
    return handle;
  }
}

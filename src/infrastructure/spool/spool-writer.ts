import { createHash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { SpooledFile } from '../../application/ports/spool';
import { FileInMemory, FileOnDisk } from './spooled-files';

/** Larger files go to disk whatever memory is left. */
const LARGEST_IN_MEMORY = 2 * 1024 * 1024;
/** Enough for the pixels of any picture whose header does not follow 64 KiB of metadata. */
const HEAD_BYTES = 64 * 1024;

/** One file on its way in: collects chunks in memory until they are too many, then moves to disk. */
export class SpoolWriter {
  readonly #hash = createHash('sha256');
  #chunks: Buffer[] = [];
  #size = 0;
  #reserved = 0;
  #head: Buffer = Buffer.alloc(0);
  #path = '';
  #handle: FileHandle | undefined;

  constructor(
    private readonly newPath: () => Promise<string>,
    private readonly reserve: (bytes: number) => boolean,
    private readonly expectedBytes: number,
  ) {}

  async add(chunk: Buffer): Promise<void> {
    this.#size += chunk.length;
    this.#hash.update(chunk);
    this.#keepHead(chunk);
    if (!this.#handle && Math.max(this.#size, this.expectedBytes) <= LARGEST_IN_MEMORY && this.reserve(chunk.length)) {
      this.#reserved += chunk.length;
      this.#chunks.push(chunk);
      return;
    }
    this.#handle ??= await this.#moveToDisk();
    await this.#handle.writeFile(chunk);
  }

  /** Mostly the first chunk is all of it, and nothing is copied. */
  #keepHead(chunk: Buffer): void {
    const missing = HEAD_BYTES - this.#head.length;
    if (missing <= 0) return;
    this.#head =
      this.#head.length === 0 ? chunk.subarray(0, missing) : Buffer.concat([this.#head, chunk.subarray(0, missing)]);
  }

  async finish(): Promise<SpooledFile> {
    const release = () => void this.reserve(-this.#reserved);
    const sha256 = this.#hash.digest('hex');
    if (!this.#handle) return new FileInMemory(this.#chunks, this.#size, sha256, this.#head, release);
    await this.#handle.close();
    return new FileOnDisk(this.#path, this.#size, sha256, this.#head);
  }

  async abandon(): Promise<void> {
    this.reserve(-this.#reserved);
    await this.#handle?.close().catch(() => undefined);
    if (this.#path !== '') await rm(this.#path, { force: true });
  }

  async #moveToDisk(): Promise<FileHandle> {
    this.#path = await this.newPath();
    const handle = await open(this.#path, 'wx', 0o600);
    for (const chunk of this.#chunks) await handle.writeFile(chunk);
    this.#chunks = [];
    this.reserve(-this.#reserved);
    this.#reserved = 0;
    return handle;
  }
}

import type { MediaSource } from './media-source';

const BLOCK_BYTES = 16 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** Every step of a reader is a request, so that no file keeps a reader busy for long. */
const MOST_REQUESTS = 2_000;
const MOST_READS = 64;

/**
 * Pieces of a file for readers of its structure: at most 2,000 requests, 64 reads and 4 MiB in total.
 * When these are used up, the file seems to end.
 */
export class FileWindow {
  readonly sizeBytes: number;
  #block: Buffer;
  #blockStart = 0;
  #requests = 0;
  #reads = 0;
  #bytesLeft = MOST_BYTES;
  #isUsedUp = false;

  constructor(private readonly file: MediaSource) {
    this.sizeBytes = file.sizeBytes;
    this.#block = file.head;
  }

  /** A request went unanswered because of the limits. */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  /** Fewer bytes than asked for at the end of the file, none after it. */
  async at(position: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.sizeBytes - position);
    if (!(wanted > 0)) return Buffer.alloc(0);
    if (++this.#requests > MOST_REQUESTS) return this.#refuse();
    const { head } = this.file;
    if (position + wanted <= head.length) return head.subarray(position, position + wanted);
    if (!this.#holds(position, wanted) && !(await this.#load(position, wanted))) return this.#refuse();
    const start = position - this.#blockStart;
    return this.#block.subarray(start, start + wanted);
  }

  #refuse(): Buffer {
    this.#isUsedUp = true;
    return Buffer.alloc(0);
  }

  #holds(position: number, length: number): boolean {
    return position >= this.#blockStart && position + length <= this.#blockStart + this.#block.length;
  }

  async #load(position: number, length: number): Promise<boolean> {
    const bytes = Math.max(length, BLOCK_BYTES);
    if (++this.#reads > MOST_READS || bytes > this.#bytesLeft) return false;
    this.#bytesLeft -= bytes;
    this.#block = await this.file.read(position, bytes);
    this.#blockStart = position;
    return true;
  }
}

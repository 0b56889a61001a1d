import type { MediaSource } from './media-source';

const BLOCK_BYTES = 16 * 1024;
/** Enough for the last page of an Ogg file. */
const LARGEST_PIECE = 64 * 1024;
/** Every step of a reader asks here, so that no file, however it is made, keeps one going for long. */
const MOST_REQUESTS = 2_000;
const MOST_READS = 64;

/**
 * Pieces of a file for those who read its structure: at most 64 reads of at most 64 KiB.
 * When these are used up, the file seems to end.
 */
export class FileWindow {
  readonly sizeBytes: number;
  #block: Buffer;
  #blockStart = 0;
  #requests = 0;
  #reads = 0;

  constructor(private readonly file: MediaSource) {
    this.sizeBytes = file.sizeBytes;
    this.#block = file.head;
  }

  /** Fewer bytes than asked for at the end of the file, none after it. */
  async at(position: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, LARGEST_PIECE, this.sizeBytes - position);
    if (!(wanted > 0) || ++this.#requests > MOST_REQUESTS) return Buffer.alloc(0);
    const { head } = this.file;
    if (position + wanted <= head.length) return head.subarray(position, position + wanted);
    if (!this.#holds(position, wanted) && !(await this.#load(position, wanted))) return Buffer.alloc(0);
    const start = position - this.#blockStart;
    return this.#block.subarray(start, start + wanted);
  }

  #holds(position: number, length: number): boolean {
    return position >= this.#blockStart && position + length <= this.#blockStart + this.#block.length;
  }

  async #load(position: number, length: number): Promise<boolean> {
    if (++this.#reads > MOST_READS) return false;
    this.#block = await this.file.read(position, Math.max(length, BLOCK_BYTES));
    this.#blockStart = position;
    return true;
  }
}

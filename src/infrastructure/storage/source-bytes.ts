import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import type { FileToStore } from '../../application/assets/asset-storage';
import { StorageError } from './storage-error';

/**
 * One read of a file to store. The last chunk is held back until the size is checked, so that a storage never accepts a
 * truncated file as complete. The hash was computed from these bytes before and is not checked again.
 */
export class SourceBytes {
  /** Set if the source failed or had the wrong size: then the consumer of the bytes is not the cause. */
  failure: Error | undefined;
  readonly #checked = new Transform({
    transform: (chunk: Buffer, _encoding, done) => this.#pass(chunk, done),
    flush: (done) => this.#end(done),
  });
  #size = 0;
  #held: Buffer | undefined;

  constructor(
    private readonly file: FileToStore,
    private readonly onChunk: () => void = () => undefined,
  ) {
    const source = file.open();
    source.once('error', (error) => this.#sourceFailed(error));
    source.once('close', () => {
      if (!source.readableEnded) this.#sourceFailed(new StorageError('The stream of a file to store ended too early.'));
    });
    pipeline(source, this.#checked, () => undefined);
    // An error without a reader must not be unhandled: the pipeline has no listener once the source has ended.
    this.#checked.on('error', () => undefined);
  }

  get stream(): Readable {
    return this.#checked;
  }

  /** Destroys the source at any point. Without effect after the end. */
  stop(): void {
    if (!this.#checked.closed) this.#checked.destroy(new Error('The file is not needed any more.'));
  }

  #pass(chunk: Buffer, done: TransformCallback): void {
    this.#size += chunk.length;
    this.onChunk();
    const previous = this.#held;
    this.#held = chunk;
    if (this.#size > this.file.sizeBytes) this.#refuse(`has more than the expected ${this.file.sizeBytes} bytes`, done);
    else done(null, previous);
  }

  #end(done: TransformCallback): void {
    const { sizeBytes } = this.file;
    if (this.#size < sizeBytes) this.#refuse(`has only ${this.#size} of the expected ${sizeBytes} bytes`, done);
    else done(null, this.#held);
  }

  #refuse(problem: string, done: TransformCallback): void {
    this.failure = new StorageError(`A file to store ${problem}.`);
    done(this.failure);
  }

  /** Ignores errors after `stop`. */
  #sourceFailed(error: Error): void {
    if (!this.#checked.destroyed) this.failure ??= error;
  }
}

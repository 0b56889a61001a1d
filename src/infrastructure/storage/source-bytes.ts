import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import type { FileToStore } from '../../application/assets/asset-storage';
import { StorageError } from './storage-error';

/**
 * One reading of a file to store. Its last piece comes only after the size was found right: a storage that needs all bytes
 * never gets a part for the whole. The hash was made of these bytes when they came in; it is not made again.
 */
export class SourceBytes {
  /** Set when the source failed or was wrong: whoever got the bytes is not to blame. */
  failure: Error | undefined;
  readonly #checked = new Transform({
    transform: (piece: Buffer, _encoding, done) => this.#pass(piece, done),
    flush: (done) => this.#end(done),
  });
  #size = 0;
  #held: Buffer | undefined;

  constructor(
    private readonly file: FileToStore,
    private readonly onPiece: () => void = () => undefined,
  ) {
    const source = file.open();
    source.once('error', (error) => this.#blame(error));
    source.once('close', () => {
      if (!source.readableEnded) this.#blame(new StorageError('A file to store broke off.'));
    });
    pipeline(source, this.#checked, () => undefined);
    // For who never began to read: the pipeline no longer listens when all has gone in.
    this.#checked.on('error', () => undefined);
  }

  get stream(): Readable {
    return this.#checked;
  }

  /** Lets go of the source, wherever the reading is. Harmless when it is over. */
  stop(): void {
    if (!this.#checked.closed) this.#checked.destroy(new Error('The file is not needed any more.'));
  }

  #pass(piece: Buffer, done: TransformCallback): void {
    this.#size += piece.length;
    this.onPiece();
    const held = this.#held;
    this.#held = piece;
    if (this.#size > this.file.sizeBytes)
      this.#refuse(`was said to have ${this.file.sizeBytes} bytes, and brought more`, done);
    else done(null, held);
  }

  #end(done: TransformCallback): void {
    const { sizeBytes } = this.file;
    if (this.#size < sizeBytes)
      this.#refuse(`was said to have ${sizeBytes} bytes, and brought only ${this.#size}`, done);
    else done(null, this.#held);
  }

  #refuse(says: string, done: TransformCallback): void {
    this.failure = new StorageError(`A file to store ${says}.`);
    done(this.failure);
  }

  /** Not when it was let go of. */
  #blame(error: Error): void {
    if (!this.#checked.destroyed) this.failure ??= error;
  }
}

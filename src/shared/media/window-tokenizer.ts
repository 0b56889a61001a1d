import { AbstractTokenizer, EndOfStreamError, type IRandomAccessTokenizer, type IReadChunkOptions } from 'strtok3';
import type { FileWindow } from './file-window';

const LARGEST_BUFFER = 1024 * 1024;

/** Reads for music-metadata through the limits of a window: each step of a parser is a request, and the file ends when they are used up. */
export class WindowTokenizer extends AbstractTokenizer implements IRandomAccessTokenizer {
  readonly fileInfo: { readonly size: number; readonly path: string };

  constructor(
    private readonly window: FileWindow,
    path: string,
  ) {
    super({ maxBufferSize: LARGEST_BUFFER });
    this.fileInfo = { size: window.sizeBytes, path };
  }

  supportsRandomAccess(): boolean {
    return true;
  }

  setPosition(position: number): void {
    this.position = position;
  }

  async readBuffer(target: Uint8Array, options?: IReadChunkOptions): Promise<number> {
    const start = options?.position ?? this.position;
    const length = await this.peekBuffer(target, options);
    this.position = start + length;
    return length;
  }

  async peekBuffer(target: Uint8Array, options?: IReadChunkOptions): Promise<number> {
    const { position, length, mayBeLess } = this.normalizeOptions(target, options);
    const bytes = await this.window.at(position, length);
    if (bytes.length < length && !mayBeLess) throw new EndOfStreamError();
    target.set(bytes);
    return bytes.length;
  }
}

import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { TempFile } from './temp-file';
import { TempFileWriter } from './temp-file-writer';

export interface TempFilesOptions {
  readonly directory?: string;
  /** Only this process uses the directory: at the start it removes the files of a previous process that was killed. */
  readonly isOwn?: boolean;
  /** Maximum bytes of all files in memory together. */
  readonly memory: number;
}

/** Small files in memory while there is space, the others in a private directory that is removed at shutdown. */
export class TempFiles implements OnModuleInit, OnApplicationShutdown {
  #memoryLeft: number;
  #directory: Promise<string> | undefined;

  constructor(private readonly options: TempFilesOptions) {
    this.#memoryLeft = options.memory;
  }

  async onModuleInit(): Promise<void> {
    const { directory, isOwn } = this.options;
    if (directory !== undefined && isOwn) await rm(directory, { recursive: true, force: true });
  }

  /**
   * Reads a stream to its end. Rejects with the stream's error and leaves nothing behind.
   * @param expectedBytes helps to choose between memory and disk; the stream may have more or less
   * @param sha256 of the bytes where it is known: trusted, and not computed again
   */
  async write(source: AsyncIterable<Buffer> | Iterable<Buffer>, expectedBytes = 0, sha256?: string): Promise<TempFile> {
    const writer = new TempFileWriter(
      () => this.#newPath(),
      (bytes) => this.#reserve(bytes),
      { bytes: expectedBytes, sha256 },
    );
    try {
      for await (const chunk of source) {
        await writer.add(chunk);
      }
      return await writer.finish();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.#directory) await rm(await this.#directory, { recursive: true, force: true });
  }

  #reserve(bytes: number): boolean {
    if (bytes > this.#memoryLeft) return false;
    this.#memoryLeft -= bytes;
    return true;
  }

  async #newPath(): Promise<string> {
    this.#directory ??= this.#makeDirectory();
    return join(await this.#directory, randomUUID());
  }

  async #makeDirectory(): Promise<string> {
    const parent = this.options.directory ?? tmpdir();
    await mkdir(parent, { recursive: true });
    return mkdtemp(join(parent, 'nestjs-comfyui-'));
  }
}

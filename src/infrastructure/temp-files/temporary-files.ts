import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { TempFiles, type TempFile } from '../../application/assets/temp-files';
import { SpoolWriter } from './temp-file-writer';

export interface TemporarySpoolOptions {
  readonly directory?: string;
  /** The directory is this process's alone: what one before that was killed left there goes. */
  readonly isOwn?: boolean;
  /** Bytes all files in memory may take together. */
  readonly memory: number;
}

/** Small files in memory as long as there is room, the others in a private folder that goes with the process. */
@Injectable()
export class TemporaryFiles extends TempFiles implements OnModuleInit, OnApplicationShutdown {
  #memoryLeft: number;
  #directory: Promise<string> | undefined;

  constructor(private readonly options: TemporarySpoolOptions) {
    super();
    this.#memoryLeft = options.memory;
  }

  async onModuleInit(): Promise<void> {
    const { directory, isOwn } = this.options;
    if (directory !== undefined && isOwn) await rm(directory, { recursive: true, force: true });
  }

  async write(source: AsyncIterable<Buffer> | Iterable<Buffer>, expectedBytes = 0, sha256?: string): Promise<TempFile> {
    const writer = new SpoolWriter(
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

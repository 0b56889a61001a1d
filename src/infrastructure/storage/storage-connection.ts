import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { AssetStorage } from '../../application/assets/asset-storage';
import type { StorageOptions } from '../../options/storage.options';
import { localStorage } from './local/local-storage';
import { s3Storage } from './s3/s3-storage';
import { supabaseStorage } from './supabase/supabase-storage';

export interface StorageSettings {
  readonly storage: StorageOptions;
  /** Where files go when no place is told; without it a temporary folder. */
  readonly dataDirectory?: string;
  /** The data folder is this process's alone. */
  readonly isOwn: boolean;
}

/** A storage that does not answer for so long does not work, ms. */
const CHECK_PATIENCE_MS = 30_000;

/** The storage of an application: checked when it starts, cleared away with it when it was a temporary folder. */
export class StorageConnection implements OnModuleInit, OnApplicationShutdown {
  private constructor(
    readonly storage: AssetStorage,
    private readonly temporary?: string,
  ) {}

  /** @throws ComfyUIError `storage_failed` for settings that can not be */
  static async open({ storage, dataDirectory, isOwn }: StorageSettings): Promise<StorageConnection> {
    if (storage.kind === 's3') return new StorageConnection(s3Storage(storage));
    if (storage.kind === 'supabase') return new StorageConnection(supabaseStorage(storage));
    if (storage.directory !== undefined) return new StorageConnection(localStorage({ directory: storage.directory }));
    if (dataDirectory !== undefined)
      return new StorageConnection(localStorage({ directory: join(dataDirectory, 'assets'), isOwn }));
    return StorageConnection.#temporary();
  }

  static async #temporary(): Promise<StorageConnection> {
    const directory = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-'));
    return new StorageConnection(localStorage({ directory, isOwn: true }), directory);
  }

  /** @throws ComfyUIError `storage_failed` */
  async onModuleInit(): Promise<void> {
    if (this.temporary !== undefined)
      new Logger(StorageConnection.name).debug(`Output files are kept in ${this.temporary} until the process ends`);
    await this.storage.check(AbortSignal.timeout(CHECK_PATIENCE_MS));
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.temporary !== undefined) await rm(this.temporary, { recursive: true, force: true });
  }
}

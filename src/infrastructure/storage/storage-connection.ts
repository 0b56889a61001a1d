import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { AssetStorage } from '../../application/assets/asset-storage';
import { isOwnStorage, type OwnStorage, type StorageOptions } from '../../options/storage.options';
import { localStorage } from './local/local-storage';
import { s3Storage } from './s3/s3-storage';
import { supabaseStorage } from './supabase/supabase-storage';

export interface StorageSettings {
  readonly storage: StorageOptions | OwnStorage;
  /** Folder for files when the options of the storage name none; without it a temporary folder. */
  readonly dataDirectory?: string;
  /** No other process uses the data folder. */
  readonly isOwn: boolean;
}

const CHECK_TIMEOUT_MS = 30_000;

/** The storage of an application: checked when it starts. A temporary folder is removed when it ends. */
export class StorageConnection implements OnModuleInit, OnApplicationShutdown {
  private constructor(
    readonly storage: AssetStorage,
    private readonly temporary?: string,
  ) {}

  /** @throws ComfyUIError `storage_failed` when a package is not installed */
  static async open({ storage, dataDirectory, isOwn }: StorageSettings): Promise<StorageConnection> {
    if (isOwnStorage(storage)) return new StorageConnection(storage as AssetStorage);
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
      new Logger(StorageConnection.name).debug(`Output files are in ${this.temporary} until the process ends`);
    await this.storage.check(AbortSignal.timeout(CHECK_TIMEOUT_MS));
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.temporary !== undefined) await rm(this.temporary, { recursive: true, force: true });
  }
}

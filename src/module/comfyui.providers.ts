import { join } from 'node:path';
import { HttpService } from '@nestjs/axios';
import type { Provider } from '@nestjs/common';
import { AssetLinks } from '../application/assets/asset-links';
import { AssetRepository } from '../application/assets/asset-repository';
import { AssetStorage } from '../application/assets/asset-storage';
import { ImageConverter } from '../application/assets/images/image-converter';
import { TempFiles } from '../shared/temp-files/temp-files';
import { Backend } from '../application/backends/backend';
import { BackendPool } from '../application/backends/backend-pool';
import { ComfyUIClient, ComfyUIClientFactory } from '../application/backends/comfyui-client';
import { LeaseRepository } from '../application/backends/lease-repository';
import { JobEventBus } from '../application/jobs/job-event-bus';
import { JobRepository } from '../application/jobs/job-repository';
import { OutboxRepository } from '../application/outbox/outbox-repository';
import { HttpComfyUIClientFactory } from '../infrastructure/comfyui/http-comfyui-client.factory';
import type { Database } from '../infrastructure/database/database';
import { DatabaseConnection } from '../infrastructure/database/database-connection';
import { KyselyAssetRepository } from '../infrastructure/database/kysely-asset-repository';
import { KyselyJobRepository } from '../infrastructure/database/kysely-job-repository';
import { KyselyLeaseRepository } from '../infrastructure/database/kysely-lease-repository';
import { KyselyOutboxRepository } from '../infrastructure/database/kysely-outbox-repository';
import { SingleProcessLeaseRepository } from '../infrastructure/database/single-process-lease-repository';
import { openEventBus } from '../infrastructure/event-bus/open-event-bus';
import { SharpImages } from '../infrastructure/images/sharp-images';
import { StorageConnection } from '../infrastructure/storage/storage-connection';
import {
  type ComfyUIOptions,
  RESOLVED_OPTIONS,
  type ResolvedComfyUIOptions,
  resolveOptions,
} from '../options/comfyui.options';
import { Timing } from '../options/timing';
import { Condition } from '../shared/condition';
import { COMFYUI_OPTIONS } from './comfyui.module-definition';

/** The adapter of each port, by the options. */

/** The outbox entry of an ended job for the table of a Supabase project. */
const SUPABASE_TABLE = 'supabase';

const OPTION_PROVIDERS: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [COMFYUI_OPTIONS],
    useFactory: (given: ComfyUIOptions) => resolveOptions(given),
  },
  {
    provide: Timing,
    inject: [COMFYUI_OPTIONS],
    useFactory: ({ timing }: ComfyUIOptions) => new Timing(timing),
  },
];

const BACKEND_PROVIDERS: Provider[] = [
  {
    provide: ComfyUIClientFactory,
    inject: [HttpService, Timing],
    useFactory: (axios: HttpService, { socket }: Timing) => new HttpComfyUIClientFactory(axios, socket),
  },
  {
    provide: BackendPool,
    inject: [RESOLVED_OPTIONS, ComfyUIClientFactory, Timing],
    useFactory: (options: ResolvedComfyUIOptions, clients: ComfyUIClientFactory, timing: Timing) => {
      const { backends, prefetch, connectTimeout, responseTimeout } = options;
      const changed = new Condition();
      const pool = backends.map(({ credentials, ...settings }) => {
        const client = clients.create({ url: settings.url, credentials, connectTimeout, responseTimeout });
        return new Backend({ ...settings, prefetch }, client, changed, timing);
      });
      return new BackendPool(pool, changed, timing.probe);
    },
  },
  {
    provide: ComfyUIClient,
    inject: [BackendPool],
    useFactory: ({ backends: [first] }: BackendPool) => first?.client,
  },
];

const DATABASE_PROVIDERS: Provider[] = [
  {
    provide: DatabaseConnection,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      DatabaseConnection.open({ dataDirectory, databaseUrl }),
  },
  {
    provide: JobRepository,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ supabaseTable }: ResolvedComfyUIOptions, { database }: DatabaseConnection) =>
      new KyselyJobRepository(database, { consumers: supabaseTable ? [SUPABASE_TABLE] : [] }),
  },
  {
    provide: LeaseRepository,
    inject: [DatabaseConnection],
    useFactory: ({ database }: DatabaseConnection) =>
      database.dialect === 'postgres'
        ? new KyselyLeaseRepository(database)
        : new SingleProcessLeaseRepository(database),
  },
  repository(AssetRepository, KyselyAssetRepository),
  repository(OutboxRepository, KyselyOutboxRepository),
  {
    provide: JobEventBus,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ databaseUrl, redisUrl }: ResolvedComfyUIOptions) => openEventBus({ databaseUrl, redisUrl }),
  },
];

/** After the database, whose lock keeps other processes out of the data folder. */
const FILE_PROVIDERS: Provider[] = [
  {
    provide: StorageConnection,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ storage, dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      StorageConnection.open({ storage, dataDirectory, isOwn: databaseUrl === undefined }),
  },
  {
    provide: AssetStorage,
    inject: [StorageConnection],
    useFactory: ({ storage }: StorageConnection) => storage,
  },
  {
    provide: AssetLinks,
    inject: [RESOLVED_OPTIONS, AssetStorage],
    useFactory: ({ publicUrl }: ResolvedComfyUIOptions, storage: AssetStorage) => new AssetLinks(storage, publicUrl),
  },
  {
    provide: TempFiles,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ spoolDirectory, spoolMemory: memory, dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      spoolDirectory === undefined && dataDirectory !== undefined
        ? new TempFiles({ directory: join(dataDirectory, 'spool'), isOwn: databaseUrl === undefined, memory })
        : new TempFiles({ directory: spoolDirectory, memory }),
  },
  { provide: ImageConverter, useClass: SharpImages },
];

export const ADAPTER_PROVIDERS: Provider[] = [
  ...OPTION_PROVIDERS,
  ...BACKEND_PROVIDERS,
  ...DATABASE_PROVIDERS,
  ...FILE_PROVIDERS,
];

function repository(port: abstract new () => unknown, Adapter: new (database: Database) => unknown): Provider {
  return {
    provide: port,
    inject: [DatabaseConnection],
    useFactory: ({ database }: DatabaseConnection) => new Adapter(database),
  };
}

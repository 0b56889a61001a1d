import { join } from 'node:path';
import { HttpService } from '@nestjs/axios';
import { type Provider } from '@nestjs/common';
import { AssetLinks } from './application/assets/asset-links';
import { Backend } from './application/backends/backend';
import { BackendPool } from './application/backends/backend-pool';
import { Draining } from './application/draining';
import { HousekeepingRules } from './application/housekeeping-rules';
import { JobLimits } from './application/job-limits';
import { AbandonedPrompts } from './application/ports/abandoned-prompts';
import { AssetStorage } from './application/ports/asset-storage';
import { AssetStore } from './application/ports/asset-store';
import { ComfyUIClient } from './application/ports/comfyui-client';
import { GenerationTable } from './application/ports/generation-table';
import { JobQueue } from './application/ports/job-queue';
import { JobStore } from './application/ports/job-store';
import { OldJobs } from './application/ports/old-jobs';
import { Outbox } from './application/ports/outbox';
import { PictureConverter } from './application/ports/picture-converter';
import { Spool } from './application/ports/spool';
import { StoredFiles } from './application/ports/stored-files';
import { Publication } from './application/publication/publication';
import { PublishedRows } from './application/publication/published-rows';
import { RowSender } from './application/publication/row-sender';
import { WorkBell } from './application/work-bell';
import { COMFYUI_OPTIONS } from './comfyui.module-definition';
import { RESOLVED_OPTIONS, resolveOptions, type ComfyUIOptions, type ResolvedComfyUIOptions } from './comfyui.options';
import { ComfyUIServers } from './infrastructure/comfyui/comfyui-servers';
import type { Database } from './infrastructure/database/database';
import { DatabaseConnection } from './infrastructure/database/database-connection';
import { KyselyAbandonedPrompts } from './infrastructure/database/kysely-abandoned-prompts';
import { KyselyAssetStore } from './infrastructure/database/kysely-asset-store';
import { KyselyJobQueue } from './infrastructure/database/kysely-job-queue';
import { KyselyJobStore } from './infrastructure/database/kysely-job-store';
import { KyselyOldJobs } from './infrastructure/database/kysely-old-jobs';
import { KyselyOutbox } from './infrastructure/database/kysely-outbox';
import { KyselyStoredFiles } from './infrastructure/database/kysely-stored-files';
import { supabaseGenerationTable } from './infrastructure/generation-table/supabase-table';
import { SharpPictures } from './infrastructure/pictures/sharp-pictures';
import { StorageConnection } from './infrastructure/storage/storage-connection';
import { JobBacklog } from './application/ports/job-backlog';
import { JobCancels } from './application/ports/job-cancels';
import { JobNews } from './application/ports/job-news';
import { Leases } from './application/ports/leases';
import { ProcessRole } from './application/process-role';
import { KyselyJobBacklog } from './infrastructure/database/kysely-job-backlog';
import { KyselyJobCancels } from './infrastructure/database/kysely-job-cancels';
import { KyselyLeases } from './infrastructure/database/kysely-leases';
import { OwnLeases } from './infrastructure/database/own-leases';
import { RedisJobNews } from './infrastructure/events/redis-job-news';
import { NoNews } from './infrastructure/events/no-news';
import { BullQueueConnection } from './infrastructure/queue/bull-queue-connection';
import { OutageQueue } from './infrastructure/queue/outage-queue';
import { TemporarySpool } from './infrastructure/spool/temporary-spool';

/** Which adapter stands behind which port, by the options. With `comfyui.module.ts` the only file that sees all rings. */

const DAY_MS = 24 * 60 * 60 * 1000;

export const OPTION_PROVIDERS: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [COMFYUI_OPTIONS],
    useFactory: (given: ComfyUIOptions) => resolveOptions(given),
  },
  {
    provide: HousekeepingRules,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ retentionDays, cleanHistory }: ResolvedComfyUIOptions) =>
      new HousekeepingRules({ retentionMs: retentionDays === null ? null : retentionDays * DAY_MS, cleanHistory }),
  },
  {
    provide: ProcessRole,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ role, databaseUrl }: ResolvedComfyUIOptions) => new ProcessRole(role, databaseUrl === undefined),
  },
  {
    provide: JobLimits,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ maxQueue, maxAttempts, ...seconds }: ResolvedComfyUIOptions) =>
      new JobLimits({
        maxQueue,
        maxAttempts,
        queueTimeoutMs: seconds.queueTimeout * 1000,
        runTimeoutMs: seconds.runTimeout * 1000,
        shutdownGraceMs: seconds.shutdownGrace * 1000,
      }),
  },
];

export const SERVER_PROVIDERS: Provider[] = [
  {
    provide: ComfyUIServers,
    inject: [RESOLVED_OPTIONS, HttpService],
    useFactory: ({ backends, connectTimeout, responseTimeout }: ResolvedComfyUIOptions, axios: HttpService) =>
      new ComfyUIServers(
        axios,
        backends.map(({ url, credentials }) => ({ url, credentials, connectTimeout, responseTimeout })),
      ),
  },
  {
    provide: BackendPool,
    inject: [RESOLVED_OPTIONS, ComfyUIServers],
    useFactory: ({ backends, prefetch }: ResolvedComfyUIOptions, { servers: connected }: ComfyUIServers) => {
      const bell = new WorkBell();
      const pool = backends.map((settings, index) => {
        return new Backend({ ...settings, prefetch }, connected[index]!, bell);
      });
      return new BackendPool(pool, bell);
    },
  },
  {
    provide: ComfyUIClient,
    inject: [ComfyUIServers],
    useFactory: ({ servers: [first] }: ComfyUIServers) => first?.client,
  },
];

export const STORE_PROVIDERS: Provider[] = [
  {
    provide: DatabaseConnection,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      DatabaseConnection.open({ dataDirectory, databaseUrl }),
  },
  {
    provide: JobStore,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ supabaseTable }: ResolvedComfyUIOptions, { database }: DatabaseConnection) =>
      new KyselyJobStore(database, supabaseTable !== undefined),
  },
  {
    provide: BullQueueConnection,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ redisUrl }: ResolvedComfyUIOptions) =>
      redisUrl === undefined ? undefined : BullQueueConnection.open({ redisUrl }),
  },
  {
    provide: JobQueue,
    inject: [DatabaseConnection, BullQueueConnection],
    useFactory: ({ database }: DatabaseConnection, bull: BullQueueConnection | undefined) => {
      const store = new KyselyJobQueue(database);
      return bull ? new OutageQueue(bull.queue, store) : store;
    },
  },
  stored(JobBacklog, KyselyJobBacklog),
  stored(JobCancels, KyselyJobCancels),
  {
    provide: Leases,
    inject: [DatabaseConnection],
    useFactory: ({ database }: DatabaseConnection) =>
      database.dialect === 'postgres' ? new KyselyLeases(database) : new OwnLeases(),
  },
  {
    provide: JobNews,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ redisUrl }: ResolvedComfyUIOptions) =>
      redisUrl === undefined ? new NoNews() : RedisJobNews.open({ redisUrl }),
  },
  stored(AbandonedPrompts, KyselyAbandonedPrompts),
  stored(StoredFiles, KyselyStoredFiles),
  {
    provide: OldJobs,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ supabaseTable }: ResolvedComfyUIOptions, { database }: DatabaseConnection) =>
      new KyselyOldJobs(database, supabaseTable !== undefined),
  },
  stored(Outbox, KyselyOutbox),
  stored(AssetStore, KyselyAssetStore),
];

/** After the database, whose lock makes sure that nobody else uses the data folder. */
export const FILE_PROVIDERS: Provider[] = [
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
    provide: Spool,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ spoolDirectory, spoolMemory: memory, dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      spoolDirectory === undefined && dataDirectory !== undefined
        ? new TemporarySpool({ directory: join(dataDirectory, 'spool'), isOwn: databaseUrl === undefined, memory })
        : new TemporarySpool({ directory: spoolDirectory, memory }),
  },
  { provide: PictureConverter, useClass: SharpPictures },
];

/** Undefined without a table. */
export const PUBLICATION_PROVIDERS: Provider[] = [
  {
    provide: GenerationTable,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ supabaseTable: table }: ResolvedComfyUIOptions) => table && supabaseGenerationTable(table),
  },
  {
    provide: Publication,
    inject: [GenerationTable, Outbox, JobStore, AssetLinks, ProcessRole, Draining],
    useFactory: (
      table: GenerationTable | undefined,
      outbox: Outbox,
      jobs: JobStore,
      links: AssetLinks,
      role: ProcessRole,
      draining: Draining,
    ) =>
      table &&
      new Publication(
        new RowSender(outbox, new PublishedRows(jobs, links), table, draining),
        table,
        links,
        role,
        draining,
      ),
  },
];

function stored(port: abstract new () => unknown, Adapter: new (database: Database) => unknown): Provider {
  return {
    provide: port,
    inject: [DatabaseConnection],
    useFactory: ({ database }: DatabaseConnection) => new Adapter(database),
  };
}

import { join } from 'node:path';
import { HttpService } from '@nestjs/axios';
import { type Provider } from '@nestjs/common';
import { AssetLinks } from '../application/assets/asset-links';
import { Backend } from '../application/backends/backend';
import { BackendPool } from '../application/backends/backend-pool';
import { ShutdownState } from '../application/maintenance/shutdown-state';
import { RetentionRules } from '../application/maintenance/retention-rules';
import { JobLimits } from '../application/jobs/job-limits';
import { AbandonedPrompts } from '../application/backends/abandoned-prompts';
import { AssetStorage } from '../application/assets/asset-storage';
import { AssetRepository } from '../application/assets/asset-repository';
import { ComfyUIClient } from '../application/backends/comfyui-client';
import { GenerationTable } from '../application/outbox/generation-table';
import { JobQueue } from '../application/jobs/job-queue';
import { JobRepository } from '../application/jobs/job-repository';
import { OldJobs } from '../application/maintenance/old-jobs';
import { Outbox } from '../application/outbox/outbox';
import { ImageConverter } from '../application/assets/images/image-converter';
import { TempFiles } from '../application/assets/temp-files';
import { StoredFiles } from '../application/assets/stored-files';
import { OutboxRelay } from '../application/outbox/outbox-relay';
import { PublishedRows } from '../application/outbox/published-rows';
import { RowPublisher } from '../application/outbox/row-publisher';
import { WorkBell } from '../application/execution/work-bell';
import { COMFYUI_OPTIONS } from './comfyui.module-definition';
import {
  RESOLVED_OPTIONS,
  resolveOptions,
  type ComfyUIOptions,
  type ResolvedComfyUIOptions,
} from '../options/comfyui.options';
import { ComfyUIServers } from '../infrastructure/comfyui/comfyui-servers';
import type { Database } from '../infrastructure/database/database';
import { DatabaseConnection } from '../infrastructure/database/database-connection';
import { KyselyAbandonedPrompts } from '../infrastructure/database/kysely-abandoned-prompts';
import { KyselyAssetRepository } from '../infrastructure/database/kysely-asset-repository';
import { KyselyJobQueue } from '../infrastructure/database/kysely-job-queue';
import { KyselyJobRepository } from '../infrastructure/database/kysely-job-repository';
import { KyselyOldJobs } from '../infrastructure/database/kysely-old-jobs';
import { KyselyOutbox } from '../infrastructure/database/kysely-outbox';
import { KyselyStoredFiles } from '../infrastructure/database/kysely-stored-files';
import { supabaseGenerationTable } from '../infrastructure/supabase-table/supabase-table';
import { SharpImages } from '../infrastructure/images/sharp-images';
import { StorageConnection } from '../infrastructure/storage/storage-connection';
import { JobBacklog } from '../application/jobs/job-backlog';
import { JobCancels } from '../application/jobs/job-cancels';
import { JobEventBus } from '../application/jobs/job-event-bus';
import { LeaseRepository } from '../application/backends/lease-repository';
import { ProcessRole } from '../application/execution/process-role';
import { KyselyJobBacklog } from '../infrastructure/database/kysely-job-backlog';
import { KyselyJobCancels } from '../infrastructure/database/kysely-job-cancels';
import { KyselyLeaseRepository } from '../infrastructure/database/kysely-lease-repository';
import { SingleProcessLeases } from '../infrastructure/database/single-process-leases';
import { RedisEventBus } from '../infrastructure/event-bus/redis/redis-event-bus';
import { NoopEventBus } from '../infrastructure/event-bus/noop-event-bus';
import { BullQueueConnection } from '../infrastructure/queue/bull-queue-connection';
import { OutageQueue } from '../infrastructure/queue/outage-queue';
import { TemporaryFiles } from '../infrastructure/temp-files/temporary-files';

/** Which adapter stands behind which port, by the options. With `comfyui.module.ts` the only file that sees all rings. */

const DAY_MS = 24 * 60 * 60 * 1000;

export const OPTION_PROVIDERS: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [COMFYUI_OPTIONS],
    useFactory: (given: ComfyUIOptions) => resolveOptions(given),
  },
  {
    provide: RetentionRules,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ retentionDays, cleanHistory }: ResolvedComfyUIOptions) =>
      new RetentionRules({ retentionMs: retentionDays === null ? null : retentionDays * DAY_MS, cleanHistory }),
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
      const condition = new WorkBell();
      const pool = backends.map((settings, index) => {
        return new Backend({ ...settings, prefetch }, connected[index]!, condition);
      });
      return new BackendPool(pool, condition);
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
    provide: JobRepository,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ supabaseTable }: ResolvedComfyUIOptions, { database }: DatabaseConnection) =>
      new KyselyJobRepository(database, supabaseTable !== undefined),
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
    provide: LeaseRepository,
    inject: [DatabaseConnection],
    useFactory: ({ database }: DatabaseConnection) =>
      database.dialect === 'postgres' ? new KyselyLeaseRepository(database) : new SingleProcessLeases(),
  },
  {
    provide: JobEventBus,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ redisUrl }: ResolvedComfyUIOptions) =>
      redisUrl === undefined ? new NoopEventBus() : RedisEventBus.open({ redisUrl }),
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
  stored(AssetRepository, KyselyAssetRepository),
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
    provide: TempFiles,
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ spoolDirectory, spoolMemory: memory, dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      spoolDirectory === undefined && dataDirectory !== undefined
        ? new TemporaryFiles({ directory: join(dataDirectory, 'spool'), isOwn: databaseUrl === undefined, memory })
        : new TemporaryFiles({ directory: spoolDirectory, memory }),
  },
  { provide: ImageConverter, useClass: SharpImages },
];

/** Undefined without a table. */
export const PUBLICATION_PROVIDERS: Provider[] = [
  {
    provide: GenerationTable,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ supabaseTable: table }: ResolvedComfyUIOptions) => table && supabaseGenerationTable(table),
  },
  {
    provide: OutboxRelay,
    inject: [GenerationTable, Outbox, JobRepository, AssetLinks, ProcessRole, ShutdownState],
    useFactory: (
      table: GenerationTable | undefined,
      outbox: Outbox,
      jobs: JobRepository,
      links: AssetLinks,
      role: ProcessRole,
      shutdownState: ShutdownState,
    ) =>
      table &&
      new OutboxRelay(
        new RowPublisher(outbox, new PublishedRows(jobs, links), table, shutdownState),
        table,
        links,
        role,
        shutdownState,
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

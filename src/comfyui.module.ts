import { join } from 'node:path';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { Backend } from './application/backends/backend';
import { BackendMonitor } from './application/backends/backend-monitor';
import { BackendPool } from './application/backends/backend-pool';
import { PromptSweeper } from './application/backends/prompt-sweeper';
import { Dispatcher } from './application/dispatcher';
import { Draining } from './application/draining';
import { GenerationService } from './application/generation.service';
import { JobAdoption } from './application/job-adoption';
import { JobIntake } from './application/job-intake';
import { JobLimits } from './application/job-limits';
import { JobRecorder } from './application/job-recorder';
import { JobRunner } from './application/job-runner';
import { JobService } from './application/job.service';
import { LiveJobs } from './application/live-jobs';
import { OutputFetcher } from './application/output-fetcher';
import { AbandonedPrompts } from './application/ports/abandoned-prompts';
import { ComfyUIClient } from './application/ports/comfyui-client';
import { JobQueue } from './application/ports/job-queue';
import { JobStore } from './application/ports/job-store';
import { Spool } from './application/ports/spool';
import { QueueClock } from './application/queue-clock';
import { ReadinessService } from './application/readiness.service';
import { Shutdown } from './application/shutdown';
import { WorkBell } from './application/work-bell';
import { StatusService } from './application/status.service';
import {
  type ASYNC_OPTIONS_TYPE,
  COMFYUI_OPTIONS,
  ConfigurableModuleClass,
  type OPTIONS_TYPE,
} from './comfyui.module-definition';
import { RESOLVED_OPTIONS, resolveOptions, type ComfyUIOptions, type ResolvedComfyUIOptions } from './comfyui.options';
import { ComfyUIServers } from './infrastructure/comfyui/comfyui-servers';
import type { Database } from './infrastructure/database/database';
import { DatabaseConnection } from './infrastructure/database/database-connection';
import { KyselyAbandonedPrompts } from './infrastructure/database/kysely-abandoned-prompts';
import { KyselyJobQueue } from './infrastructure/database/kysely-job-queue';
import { KyselyJobStore } from './infrastructure/database/kysely-job-store';
import { TemporarySpool } from './infrastructure/spool/temporary-spool';

const options: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [COMFYUI_OPTIONS],
    useFactory: (given: ComfyUIOptions) => resolveOptions(given),
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

const servers: Provider[] = [
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
        const { client, catalog } = connected[index]!;
        return new Backend({ ...settings, prefetch }, client, catalog, bell);
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

const stores: Provider[] = [
  {
    provide: DatabaseConnection,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ dataDirectory, databaseUrl }: ResolvedComfyUIOptions) =>
      DatabaseConnection.open({ dataDirectory, databaseUrl }),
  },
  stored(JobStore, KyselyJobStore),
  stored(JobQueue, KyselyJobQueue),
  stored(AbandonedPrompts, KyselyAbandonedPrompts),
  {
    provide: Spool,
    // After the database, whose lock makes sure that nobody else uses the data folder.
    inject: [RESOLVED_OPTIONS, DatabaseConnection],
    useFactory: ({ spoolDirectory, spoolMemory: memory, dataDirectory }: ResolvedComfyUIOptions) =>
      spoolDirectory === undefined && dataDirectory !== undefined
        ? new TemporarySpool({ directory: join(dataDirectory, 'spool'), isOwn: true, memory })
        : new TemporarySpool({ directory: spoolDirectory, memory }),
  },
];

function stored(port: abstract new () => unknown, Adapter: new (database: Database) => unknown): Provider {
  return {
    provide: port,
    inject: [DatabaseConnection],
    useFactory: ({ database }: DatabaseConnection) => new Adapter(database),
  };
}

const application: Provider[] = [
  Draining,
  LiveJobs,
  JobRecorder,
  OutputFetcher,
  PromptSweeper,
  BackendMonitor,
  JobRunner,
  JobAdoption,
  Dispatcher,
  QueueClock,
  JobIntake,
  GenerationService,
  JobService,
  StatusService,
  ReadinessService,
  Shutdown,
];

/**
 * The client and the generation service for a Nest application:
 * `ComfyUIModule.forRoot({ baseUrl })` or `forRootAsync({ imports, inject, useFactory })`.
 * With `controllers: true` also the HTTP endpoints, under the application's own prefix.
 */
@Module({
  imports: [HttpModule],
  providers: [...options, ...servers, ...stores, ...application],
  exports: [ComfyUIClient, GenerationService, JobService, StatusService, ReadinessService],
})
export class ComfyUIModule extends ConfigurableModuleClass {
  static override forRoot(given: typeof OPTIONS_TYPE): DynamicModule {
    return withControllers(super.forRoot(given), given.controllers);
  }

  static override forRootAsync(given: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withControllers(super.forRootAsync(given), given.controllers);
  }
}

/** Loaded only when asked for: the endpoints need packages that the client alone does without. */
function withControllers(module: DynamicModule, wanted = false): DynamicModule {
  if (!wanted) return module;
  const { HTTP_CONTROLLERS } = require('./presentation/http/controllers') as { HTTP_CONTROLLERS: Type[] };
  return { ...module, controllers: HTTP_CONTROLLERS };
}

import type { Provider } from '@nestjs/common';
import { AssetFiles } from '../application/assets/asset-files';
import { AssetLinks } from '../application/assets/asset-links';
import { AssetRepository } from '../application/assets/asset-repository';
import { AssetService } from '../application/assets/asset.service';
import { AssetStorage } from '../application/assets/asset-storage';
import { FileDelivery } from '../application/assets/file-delivery';
import { ImageConversions } from '../application/assets/images/image-conversions';
import { HealthMonitor } from '../application/backends/health-monitor';
import { LeaseManager } from '../application/backends/lease-manager';
import { PromptSweeper } from '../application/backends/prompt-sweeper';
import { StatusService } from '../application/backends/status.service';
import { Attempts } from '../application/execution/attempt-execution';
import { CancellationListener } from '../application/execution/cancellation-listener';
import { FailureHandler } from '../application/execution/failure-handler';
import { JobExecutor } from '../application/execution/job-executor';
import { JobRecovery } from '../application/execution/job-recovery';
import { OutputFetcher } from '../application/execution/output-fetcher';
import { OutputRecovery } from '../application/execution/output-recovery';
import { Scheduler } from '../application/execution/scheduler';
import { Worker } from '../application/execution/worker';
import { GenerationService } from '../application/jobs/generation.service';
import { JobCancellation } from '../application/jobs/job-cancellation';
import { JobEventBus } from '../application/jobs/job-event-bus';
import { JobEvents } from '../application/jobs/job-events';
import { JobRegistry } from '../application/jobs/job-registry';
import { JobRepository } from '../application/jobs/job-repository';
import { JobRequestParser } from '../application/jobs/job-request';
import { JobSubmission } from '../application/jobs/job-submission';
import { JobSync, SingleProcessJobSync } from '../application/jobs/job-sync';
import { JobWriter } from '../application/jobs/job-writer';
import { JobService } from '../application/jobs/job.service';
import { SharedJobSync } from '../application/jobs/shared-job-sync';
import { PeriodicTasks } from '../application/maintenance/periodic-tasks';
import { QueueExpiry } from '../application/maintenance/queue-expiry';
import { ReadinessService } from '../application/maintenance/readiness.service';
import { Retention } from '../application/maintenance/retention';
import { Shutdown } from '../application/maintenance/shutdown';
import { ShutdownState } from '../application/maintenance/shutdown-state';
import { GenerationRows } from '../application/outbox/generation-rows';
import { OutboxRelay } from '../application/outbox/outbox-relay';
import { OutboxRepository } from '../application/outbox/outbox-repository';
import { RowPublisher } from '../application/outbox/row-publisher';
import { supabaseGenerationTable } from '../infrastructure/supabase-table/supabase-table';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../options/comfyui.options';
import { Timing } from '../options/timing';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Chosen by the options: what a process does alone, or as one of several. */
const STRATEGY_PROVIDERS: Provider[] = [
  {
    provide: JobSync,
    inject: [RESOLVED_OPTIONS, JobEventBus, JobRepository, AssetFiles, PeriodicTasks, Timing],
    useFactory: ({ databaseUrl }: ResolvedComfyUIOptions, ...parts: ConstructorParameters<typeof SharedJobSync>) =>
      databaseUrl === undefined ? new SingleProcessJobSync() : new SharedJobSync(...parts),
  },
  {
    provide: Worker,
    inject: [
      RESOLVED_OPTIONS,
      LeaseManager,
      HealthMonitor,
      Scheduler,
      JobExecutor,
      CancellationListener,
      JobEventBus,
      Timing,
    ],
    useFactory: (
      { role }: ResolvedComfyUIOptions,
      leases: LeaseManager,
      health: HealthMonitor,
      scheduler: Scheduler,
      executor: JobExecutor,
      cancellations: CancellationListener,
      bus: JobEventBus,
      timing: Timing,
    ) => (role === 'api' ? undefined : new Worker({ leases, health, scheduler, executor, cancellations, bus, timing })),
  },
];

const MAINTENANCE_PROVIDERS: Provider[] = [
  {
    provide: Shutdown,
    inject: [ShutdownState, JobRegistry, JobWriter, Worker, RESOLVED_OPTIONS, Timing],
    useFactory: (
      state: ShutdownState,
      registry: JobRegistry,
      writer: JobWriter,
      worker: Worker | undefined,
      { shutdownGrace }: ResolvedComfyUIOptions,
      { farewell }: Timing,
    ) => new Shutdown(state, registry, writer, worker, { grace: shutdownGrace * 1000, farewell }),
  },
  {
    provide: Retention,
    inject: [JobRepository, AssetRepository, AssetStorage, PeriodicTasks, RESOLVED_OPTIONS, Timing],
    useFactory: (
      jobs: JobRepository,
      assets: AssetRepository,
      storage: AssetStorage,
      tasks: PeriodicTasks,
      { retentionDays }: ResolvedComfyUIOptions,
      { retention: { interval, pause } }: Timing,
    ) => {
      const keep = retentionDays === null ? null : retentionDays * DAY_MS;
      return new Retention(jobs, assets, storage, tasks, { keep, interval, pause });
    },
  },
  {
    provide: OutboxRelay,
    inject: [RESOLVED_OPTIONS, OutboxRepository, JobRepository, AssetLinks, PeriodicTasks, Timing],
    useFactory: (
      { supabaseTable }: ResolvedComfyUIOptions,
      outbox: OutboxRepository,
      jobs: JobRepository,
      links: AssetLinks,
      tasks: PeriodicTasks,
      { outbox: timing }: Timing,
    ) => {
      const rows = new GenerationRows(jobs, links);
      const table = supabaseTable && supabaseGenerationTable(supabaseTable);
      return new OutboxRelay(table ? [new RowPublisher(outbox, rows, table, timing)] : [], outbox, tasks, timing);
    },
  },
];

/** The services for a Nest application. */
export const EXPORTED_SERVICES: Provider[] = [
  GenerationService,
  JobService,
  JobEvents,
  OutputRecovery,
  AssetService,
  StatusService,
  ReadinessService,
];

export const APPLICATION_PROVIDERS: Provider[] = [
  ShutdownState,
  PeriodicTasks,
  JobRegistry,
  JobWriter,
  JobRequestParser,
  JobSubmission,
  JobCancellation,
  AssetFiles,
  FileDelivery,
  ImageConversions,
  OutputFetcher,
  PromptSweeper,
  FailureHandler,
  Attempts,
  JobExecutor,
  JobRecovery,
  LeaseManager,
  HealthMonitor,
  Scheduler,
  CancellationListener,
  QueueExpiry,
  ...STRATEGY_PROVIDERS,
  ...MAINTENANCE_PROVIDERS,
  ...EXPORTED_SERVICES,
];

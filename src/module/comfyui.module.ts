import { HttpModule } from '@nestjs/axios';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AssetFiles } from '../application/assets/asset-files';
import { FileDeliveries } from '../application/assets/file-deliveries';
import { AssetService } from '../application/assets/asset.service';
import { LeaseManager } from '../application/backends/lease-manager';
import { CancellationListener } from '../application/execution/cancellation-listener';
import { JobCancellation } from '../application/jobs/job-cancellation';
import { JobOffering } from '../application/execution/job-offering';
import { JobSync } from '../application/jobs/job-sync';
import { HealthMonitor } from '../application/backends/health-monitor';
import { PromptSweeper } from '../application/backends/prompt-sweeper';
import { Scheduler } from '../application/execution/scheduler';
import { ShutdownState } from '../application/maintenance/shutdown-state';
import { GenerationService } from '../application/jobs/generation.service';
import { Retention } from '../application/maintenance/retention';
import { JobRecovery } from '../application/execution/job-recovery';
import { JobSubmission } from '../application/jobs/job-submission';
import { JobWriter } from '../application/jobs/job-writer';
import { JobExecutor } from '../application/execution/job-executor';
import { JobService } from '../application/jobs/job.service';
import { JobRegistry } from '../application/jobs/job-registry';
import { OutputFetcher } from '../application/execution/output-fetcher';
import { OutputRecovery } from '../application/execution/output-recovery';
import { ImageConversions } from '../application/assets/images/image-conversions';
import { ComfyUIClient } from '../application/backends/comfyui-client';
import { QueueExpiry } from '../application/maintenance/queue-expiry';
import { ReadinessService } from '../application/maintenance/readiness.service';
import { Shutdown } from '../application/maintenance/shutdown';
import { StatusService } from '../application/backends/status.service';
import { type ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, type OPTIONS_TYPE } from './comfyui.module-definition';
import {
  FILE_PROVIDERS,
  OPTION_PROVIDERS,
  PUBLICATION_PROVIDERS,
  SERVER_PROVIDERS,
  STORE_PROVIDERS,
} from './comfyui.providers';
import type { ComfyUIModuleExtras } from '../options/comfyui.options';

type HttpFace = typeof import('../presentation/rest/controllers');
type RpcFace = typeof import('../presentation/rpc/controllers');

const application: Provider[] = [
  ShutdownState,
  JobRegistry,
  JobWriter,
  AssetFiles,
  FileDeliveries,
  OutputFetcher,
  OutputRecovery,
  PromptSweeper,
  HealthMonitor,
  JobExecutor,
  JobRecovery,
  LeaseManager,
  Scheduler,
  JobOffering,
  JobSync,
  JobCancellation,
  CancellationListener,
  QueueExpiry,
  JobSubmission,
  GenerationService,
  JobService,
  StatusService,
  ReadinessService,
  Retention,
  AssetService,
  ImageConversions,
  Shutdown,
];

/**
 * The client and the generation service for a Nest application:
 * `ComfyUIModule.forRoot({ baseUrl })` or `forRootAsync({ imports, inject, useFactory })`.
 * With `controllers: true` also the HTTP endpoints, under the application's own prefix; with `microservice: true` the
 * messages, on the microservices that it connects.
 */
@Module({
  imports: [HttpModule],
  providers: [
    ...OPTION_PROVIDERS,
    ...SERVER_PROVIDERS,
    ...STORE_PROVIDERS,
    ...FILE_PROVIDERS,
    ...PUBLICATION_PROVIDERS,
    ...application,
  ],
  exports: [
    ComfyUIClient,
    GenerationService,
    JobService,
    OutputRecovery,
    AssetService,
    StatusService,
    ReadinessService,
  ],
})
export class ComfyUIModule extends ConfigurableModuleClass {
  static override forRoot(given: typeof OPTIONS_TYPE): DynamicModule {
    return withFaces(super.forRoot(given), given);
  }

  static override forRootAsync(given: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withFaces(super.forRootAsync(given), given);
  }
}

/** Loaded only when asked for: the faces need packages that the client alone does without. */
function withFaces(
  module: DynamicModule,
  { controllers = false, microservice = false }: ComfyUIModuleExtras,
): DynamicModule {
  const http = controllers ? (require('../presentation/rest/controllers') as HttpFace).HTTP_CONTROLLERS : [];
  const rpc = microservice ? (require('../presentation/rpc/controllers') as RpcFace) : undefined;
  return {
    ...module,
    controllers: [...http, ...(rpc?.MESSAGE_CONTROLLERS ?? [])],
    providers: [...(module.providers ?? []), ...(rpc?.MESSAGE_PROVIDERS ?? [])],
  };
}

import { HttpModule } from '@nestjs/axios';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AssetFiles } from './application/assets/asset-files';
import { Deliveries } from './application/assets/deliveries';
import { AssetService } from './application/assets/asset.service';
import { BackendLeases } from './application/backends/backend-leases';
import { CancelWatch } from './application/cancel-watch';
import { JobCancelation } from './application/job-cancelation';
import { JobOffering } from './application/job-offering';
import { JobSharing } from './application/job-sharing';
import { BackendMonitor } from './application/backends/backend-monitor';
import { PromptSweeper } from './application/backends/prompt-sweeper';
import { Dispatcher } from './application/dispatcher';
import { Draining } from './application/draining';
import { GenerationService } from './application/generation.service';
import { Housekeeping } from './application/housekeeping';
import { JobAdoption } from './application/job-adoption';
import { JobIntake } from './application/job-intake';
import { JobRecorder } from './application/job-recorder';
import { JobRunner } from './application/job-runner';
import { JobService } from './application/job.service';
import { LiveJobs } from './application/live-jobs';
import { OutputFetcher } from './application/output-fetcher';
import { OutputRecollection } from './application/output-recollection';
import { PictureConversions } from './application/pictures/picture-conversions';
import { ComfyUIClient } from './application/ports/comfyui-client';
import { QueueClock } from './application/queue-clock';
import { ReadinessService } from './application/readiness.service';
import { Shutdown } from './application/shutdown';
import { StatusService } from './application/status.service';
import { type ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, type OPTIONS_TYPE } from './comfyui.module-definition';
import {
  FILE_PROVIDERS,
  OPTION_PROVIDERS,
  PUBLICATION_PROVIDERS,
  SERVER_PROVIDERS,
  STORE_PROVIDERS,
} from './comfyui.providers';
import type { ComfyUIModuleExtras } from './comfyui.options';

type HttpFace = typeof import('./presentation/http/controllers');
type RpcFace = typeof import('./presentation/rpc/controllers');

const application: Provider[] = [
  Draining,
  LiveJobs,
  JobRecorder,
  AssetFiles,
  Deliveries,
  OutputFetcher,
  OutputRecollection,
  PromptSweeper,
  BackendMonitor,
  JobRunner,
  JobAdoption,
  BackendLeases,
  Dispatcher,
  JobOffering,
  JobSharing,
  JobCancelation,
  CancelWatch,
  QueueClock,
  JobIntake,
  GenerationService,
  JobService,
  StatusService,
  ReadinessService,
  Housekeeping,
  AssetService,
  PictureConversions,
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
    OutputRecollection,
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
  const http = controllers ? (require('./presentation/http/controllers') as HttpFace).HTTP_CONTROLLERS : [];
  const rpc = microservice ? (require('./presentation/rpc/controllers') as RpcFace) : undefined;
  return {
    ...module,
    controllers: [...http, ...(rpc?.MESSAGE_CONTROLLERS ?? [])],
    providers: [...(module.providers ?? []), ...(rpc?.MESSAGE_PROVIDERS ?? [])],
  };
}

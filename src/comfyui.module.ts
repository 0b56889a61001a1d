import { HttpModule, HttpService } from '@nestjs/axios';
import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { GenerationService } from './application/generation.service';
import { JobRunner } from './application/job-runner';
import { OutputFetcher } from './application/output-fetcher';
import { ComfyUIClient } from './application/ports/comfyui-client';
import { Spool } from './application/ports/spool';
import { StatusService } from './application/status.service';
import {
  type ASYNC_OPTIONS_TYPE,
  COMFYUI_OPTIONS,
  ConfigurableModuleClass,
  type OPTIONS_TYPE,
} from './comfyui.module-definition';
import { RESOLVED_OPTIONS, resolveOptions, type ComfyUIOptions, type ResolvedComfyUIOptions } from './comfyui.options';
import { ComfyUIHttp } from './infrastructure/comfyui/comfyui-http';
import { ComfyUIServer } from './infrastructure/comfyui/comfyui-server';
import { ComfyUISocket } from './infrastructure/comfyui/comfyui-socket';
import { TemporarySpool } from './infrastructure/spool/temporary-spool';

const adapters: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [COMFYUI_OPTIONS],
    useFactory: (options: ComfyUIOptions) => resolveOptions(options),
  },
  {
    provide: ComfyUIClient,
    inject: [RESOLVED_OPTIONS, HttpService],
    useFactory: (options: ResolvedComfyUIOptions, axios: HttpService) =>
      new ComfyUIServer(options, new ComfyUIHttp(axios, options), new ComfyUISocket(options)),
  },
  {
    provide: Spool,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ spoolDirectory, spoolMemory }: ResolvedComfyUIOptions) =>
      new TemporarySpool({ directory: spoolDirectory, memory: spoolMemory }),
  },
];

/**
 * The client and the generation service for a Nest application:
 * `ComfyUIModule.forRoot({ baseUrl })` or `forRootAsync({ imports, inject, useFactory })`.
 * With `controllers: true` also the HTTP endpoints, under the application's own prefix.
 */
@Module({
  imports: [HttpModule],
  providers: [...adapters, OutputFetcher, JobRunner, GenerationService, StatusService],
  exports: [ComfyUIClient, GenerationService, StatusService],
})
export class ComfyUIModule extends ConfigurableModuleClass {
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return withControllers(super.forRoot(options), options.controllers);
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withControllers(super.forRootAsync(options), options.controllers);
  }
}

/** Loaded only when asked for: the endpoints need packages that the client alone does without. */
function withControllers(module: DynamicModule, wanted = false): DynamicModule {
  if (!wanted) return module;
  const { HTTP_CONTROLLERS } = require('./presentation/http/controllers') as { HTTP_CONTROLLERS: Type[] };
  return { ...module, controllers: HTTP_CONTROLLERS };
}

import { HttpModule } from '@nestjs/axios';
import { type DynamicModule, Module } from '@nestjs/common';
import { AssetStorage } from '../application/assets/asset-storage';
import { ComfyUIClient } from '../application/backends/comfyui-client';
import type { ComfyUIModuleExtras } from '../options/comfyui.options';
import { APPLICATION_PROVIDERS, EXPORTED_SERVICES } from './comfyui.application';
import { type ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, type OPTIONS_TYPE } from './comfyui.module-definition';
import { ADAPTER_PROVIDERS } from './comfyui.providers';

type RestApi = typeof import('../presentation/rest/controllers');
type RpcApi = typeof import('../presentation/rpc/controllers');

/**
 * The client and the services for a Nest application: `ComfyUIModule.forRoot({ baseUrl })` or
 * `forRootAsync({ imports, inject, useFactory })`. With `controllers: true` also the HTTP endpoints, under the application's own
 * prefix; with `microservice: true` the messages, on the microservices that it connects.
 * @publicApi
 */
@Module({
  imports: [HttpModule],
  providers: [...ADAPTER_PROVIDERS, ...APPLICATION_PROVIDERS],
  exports: [ComfyUIClient, AssetStorage, ...EXPORTED_SERVICES],
})
export class ComfyUIModule extends ConfigurableModuleClass {
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return withApis(super.forRoot(options), options);
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withApis(super.forRootAsync(options), options);
  }
}

/** Loaded only when enabled: the APIs need packages that the services do without. */
function withApis(
  module: DynamicModule,
  { controllers = false, microservice = false }: ComfyUIModuleExtras,
): DynamicModule {
  const rest = controllers ? (require('../presentation/rest/controllers') as RestApi).HTTP_CONTROLLERS : [];
  const rpc = microservice ? (require('../presentation/rpc/controllers') as RpcApi) : undefined;
  return {
    ...module,
    controllers: [...rest, ...(rpc?.MESSAGE_CONTROLLERS ?? [])],
    providers: [...(module.providers ?? []), ...(rpc?.MESSAGE_PROVIDERS ?? [])],
  };
}

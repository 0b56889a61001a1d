import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { type ComfyUIClientModuleExtras, type ComfyUIClientOptions } from './client-options';
import { ComfyUIRemote } from './comfyui-remote';
import { connectedProxy } from './connected-proxy';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<ComfyUIClientOptions>({
  moduleName: 'ComfyUIClient',
})
  .setExtras<ComfyUIClientModuleExtras>({ isGlobal: false }, (definition, { isGlobal }) => ({
    ...definition,
    global: isGlobal,
  }))
  .build();

/**
 * The service for another Nest application: `ComfyUIClientModule.register({ transport, url })` or
 * `registerAsync({ imports, inject, useFactory })`, which provides a {@link ComfyUIRemote}.
 * @publicApi
 */
@Module({
  providers: [
    {
      provide: ComfyUIRemote,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (options: ComfyUIClientOptions) => new ComfyUIRemote(connectedProxy(options), options),
    },
  ],
  exports: [ComfyUIRemote],
})
export class ComfyUIClientModule extends ConfigurableModuleClass {}

import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ComfyUIModuleExtras, ComfyUIOptions } from '../options/comfyui.options';

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: COMFYUI_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<ComfyUIOptions>({
  moduleName: 'ComfyUI',
})
  .setClassMethodName('forRoot')
  .setExtras<ComfyUIModuleExtras>(
    { controllers: false, microservice: false, isGlobal: false },
    (definition, { isGlobal }) => ({ ...definition, global: isGlobal }),
  )
  .build();

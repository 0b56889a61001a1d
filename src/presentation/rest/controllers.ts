import type { Type } from '@nestjs/common';
import { AssetsController } from './assets/assets.controller';
import { ComfyUIController } from './comfyui/comfyui.controller';
import { GenerateController } from './generate/generate.controller';
import { JobsController } from './jobs/jobs.controller';

/** Added by `ComfyUIModule` with `controllers: true`. */
export const HTTP_CONTROLLERS: Type[] = [ComfyUIController, GenerateController, JobsController, AssetsController];

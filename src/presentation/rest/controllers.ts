import type { Type } from '@nestjs/common';
import { AssetsController } from './assets/assets.controller';
import { ComfyUIController } from './comfyui/comfyui.controller';
import { GenerateController } from './generate/generate.controller';
import { JobsController } from './jobs/jobs.controller';

/** What `ComfyUIModule` adds to an application that asks for `controllers`. */
export const HTTP_CONTROLLERS: Type[] = [ComfyUIController, GenerateController, JobsController, AssetsController];

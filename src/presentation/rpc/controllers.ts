import type { Provider, Type } from '@nestjs/common';
import { StreamSubscriptions } from './stream-subscriptions';
import { ComfyUIMessageController } from './comfyui.message-controller';
import { GenerateMessageController } from './generate.message-controller';
import { JobsMessageController } from './jobs.message-controller';

/** Added by `ComfyUIModule` with `microservice: true`. */
export const MESSAGE_CONTROLLERS: Type[] = [ComfyUIMessageController, GenerateMessageController, JobsMessageController];

export const MESSAGE_PROVIDERS: Provider[] = [StreamSubscriptions];

import type { Provider, Type } from '@nestjs/common';
import { StreamSubscriptions } from './stream-subscriptions';
import { ComfyUIMessageController } from './comfyui.message-controller';
import { GenerateMessageController } from './generate.message-controller';
import { JobsMessageController } from './jobs.message-controller';

/** What `ComfyUIModule` adds to an application that asks for `microservice`. */
export const MESSAGE_CONTROLLERS: Type[] = [ComfyUIMessageController, GenerateMessageController, JobsMessageController];

export const MESSAGE_PROVIDERS: Provider[] = [StreamSubscriptions];

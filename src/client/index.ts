/** The client package `nestjs-comfyui/client`: everything exported here is `@publicApi`. */
export type { ComfyUIClientModuleExtras, ComfyUIClientOptions } from './client-options';
export { ComfyUIClientModule } from './comfyui-client.module';
export { ComfyUIRemote, type RemoteStatus } from './comfyui-remote';
export { ComfyUIError, ERROR_CODES, type ErrorCode, type ErrorDetails } from '../domain/errors';
export type { TransportName } from '../options/transport.options';
export type {
  GenerationDto as Generation,
  OutputFileDto as OutputFile,
} from '../presentation/shared/generate/generation.dto';
export type { JobDto as Job, JobPageDto as JobPage } from '../presentation/shared/jobs/job.dto';
export type { QueuedPromptDto as QueuedPrompt } from '../presentation/shared/comfyui/workflow.dto';
export type {
  GenerateCall,
  GenerationEvent,
  JobProgressMessage,
  JobsCall,
  JobStreamMessage,
} from '../presentation/rpc/messages';

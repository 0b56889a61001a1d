export { ComfyUIModule } from './comfyui.module';
export type { BackendOptions, ComfyUIModuleExtras, ComfyUIOptions } from './comfyui.options';
export type { S3StorageOptions, StorageOptions, SupabaseStorageOptions, SupabaseTableOptions } from './comfyui.storage';
export { OutputRecollection } from './application/output-recollection';
export { AssetService } from './application/assets/asset.service';
export { GeneratedFile, GenerationResult } from './application/generation-result';
export { GenerationService, type WaitOptions } from './application/generation.service';
export type { GenerationRequest } from './application/job-intake';
export { JobService, type JobView } from './application/job.service';
export { LiveJob, type EventOptions } from './application/live-job';
export {
  ComfyUIClient,
  type FileStream,
  type HistoryRecord,
  type PromptRequest,
  type PromptState,
  type RunListener,
  type Signal,
  type Submission,
} from './application/ports/comfyui-client';
export { StatusService, type Status } from './application/status.service';
export type { ByteRange, OpenedFile, Reading } from './application/ports/asset-storage';
export type { AssetPage, AssetQuery } from './application/ports/asset-store';
export type { JobPage, JobQuery } from './application/ports/job-store';
export { ReadinessService } from './application/readiness.service';
export type { Asset, Description } from './domain/asset';
export type { BackendStatus, CircuitState, Device, ServerStatus } from './domain/backend';
export { BackendFault, ComfyUIError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './domain/errors';
export type { ActiveJob } from './domain/job/active-job';
export type { Acceptance, Attempt, CollectedFile, Job, JobStatus } from './domain/job/job';
export type { JobEvent } from './domain/job/job-event';
export type { FileReference, FileType, OutputFile, OutputText } from './domain/job/outputs';
export type { Progress } from './domain/job/progress';
export type { ExecutionFailure, NodeProgress, Preview, RunEvent, RunOutcome } from './domain/job/run-event';
export type { NodeErrors, NodeProblem } from './domain/workflow/node-errors';
export type { GenerationFacts } from './domain/workflow/generation-facts';
export type { LoraFacts } from './domain/workflow/model-files';
export type { WorkflowNeeds } from './domain/workflow/needs';
export type { Seed } from './domain/workflow/seeds';
export type { Link, Workflow, WorkflowNode } from './domain/workflow/workflow';

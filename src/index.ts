export { AssetService } from './application/assets/asset.service';
export type { AssetPage, AssetQuery } from './application/assets/asset-repository';
export {
  AssetStorage,
  type ByteRange,
  type FileToStore,
  type LinkOptions,
  type OpenedFile,
  type Reading,
} from './application/assets/asset-storage';
export {
  type BackendConnection,
  ComfyUIClient,
  ComfyUIClientFactory,
  type FileStream,
  type HistoryRecord,
  type PromptEvent,
  type PromptListener,
  type PromptRequest,
  type PromptState,
  type Submission,
} from './application/backends/comfyui-client';
export { type Status, StatusService } from './application/backends/status.service';
export { OutputRecovery } from './application/execution/output-recovery';
export { GeneratedFile } from './application/assets/generated-file';
export type { WaitOptions } from './application/jobs/generation';
export { GenerationResult } from './application/jobs/generation-result';
export { GenerationService } from './application/jobs/generation.service';
export type { EventOptions } from './application/jobs/job-event-stream';
export { JobEvents } from './application/jobs/job-events';
export type { JobQuery } from './application/jobs/job-repository';
export type { GenerationRequest } from './application/jobs/job-request';
export { JobSession, type WhenUnreachable } from './application/jobs/job-session';
export { type JobViewPage, JobService, type JobView } from './application/jobs/job.service';
export { ReadinessService } from './application/maintenance/readiness.service';
export type { Asset, Description } from './domain/asset';
export type { BackendStatus, CircuitState, Device, ServerStatus } from './domain/backend';
export { BackendError, ComfyUIError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './domain/errors';
export type { Acceptance, Attempt, CollectedFile, Job, JobOptions, JobStatus } from './domain/job/job';
export type { JobEvent } from './domain/job/job-event';
export type { JobState } from './domain/job/job-state';
export type { FileReference, FileType, OutputFile, OutputText } from './domain/job/outputs';
export type { Progress } from './domain/job/progress';
export type { ExecutionFailure, NodeProgress, Preview, RunEvent, RunOutcome } from './domain/job/run-event';
export type { GenerationFacts } from './domain/workflow/generation-facts';
export type { LoraFacts } from './domain/workflow/model-files';
export type { NodeErrors, NodeProblem } from './domain/workflow/node-errors';
export type { WorkflowRequirements } from './domain/workflow/requirements';
export type { Seed } from './domain/workflow/seeds';
export type { Link, Workflow, WorkflowNode } from './domain/workflow/workflow';
export { ComfyUIModule } from './module/comfyui.module';
export type { BackendOptions, ComfyUIModuleExtras, ComfyUIOptions } from './options/comfyui.options';
export type { OwnStorage, S3StorageOptions, StorageOptions } from './options/storage.options';
export type { SupabaseStorageOptions, SupabaseTableOptions } from './options/supabase.options';

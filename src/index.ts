export { ComfyUIModule } from './module/comfyui.module';
export type { BackendOptions, ComfyUIModuleExtras, ComfyUIOptions } from './options/comfyui.options';
export type {
  S3StorageOptions,
  StorageOptions,
  SupabaseStorageOptions,
  SupabaseTableOptions,
} from './options/storage.options';
export { OutputRecovery } from './application/execution/output-recovery';
export { AssetService } from './application/assets/asset.service';
export { GeneratedFile, GenerationResult } from './application/jobs/generation-result';
export { GenerationService, type WaitOptions } from './application/jobs/generation.service';
export type { GenerationRequest } from './application/jobs/job-submission';
export { JobService, type JobView } from './application/jobs/job.service';
export { JobSession, type EventOptions } from './application/jobs/job-session';
export {
  ComfyUIClient,
  type FileStream,
  type HistoryRecord,
  type PromptRequest,
  type PromptState,
  type RunListener,
  type Signal,
  type Submission,
} from './application/backends/comfyui-client';
export { StatusService, type Status } from './application/backends/status.service';
export type { ByteRange, OpenedFile, Reading } from './application/assets/asset-storage';
export type { AssetPage, AssetQuery } from './application/assets/asset-repository';
export type { JobPage, JobQuery } from './application/jobs/job-repository';
export { ReadinessService } from './application/maintenance/readiness.service';
export type { Asset, Description } from './domain/asset';
export type { BackendStatus, CircuitState, Device, ServerStatus } from './domain/backend';
export { BackendError, ComfyUIError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './domain/errors';
export type { JobState } from './domain/job/job-state';
export type { Acceptance, Attempt, CollectedFile, Job, JobStatus } from './domain/job/job';
export type { JobEvent } from './domain/job/job-event';
export type { FileReference, FileType, OutputFile, OutputText } from './domain/job/outputs';
export type { Progress } from './domain/job/progress';
export type { ExecutionFailure, NodeProgress, Preview, RunEvent, RunOutcome } from './domain/job/run-event';
export type { NodeErrors, NodeProblem } from './domain/workflow/node-errors';
export type { GenerationFacts } from './domain/workflow/generation-facts';
export type { LoraFacts } from './domain/workflow/model-files';
export type { WorkflowRequirements } from './domain/workflow/requirements';
export type { Seed } from './domain/workflow/seeds';
export type { Link, Workflow, WorkflowNode } from './domain/workflow/workflow';

export { ComfyUIModule } from './comfyui.module';
export type { ComfyUIModuleExtras, ComfyUIOptions } from './comfyui.options';
export { GeneratedFile, GenerationResult } from './application/generation-result';
export { GenerationService, type GenerationRequest, type WaitOptions } from './application/generation.service';
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
export type { BackendStatus, Device } from './domain/backend';
export { ComfyUIError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './domain/errors';
export type { CollectedFile, Job, JobEvent, JobStatus } from './domain/job/job';
export type { FileReference, FileType, OutputFile, OutputText } from './domain/job/outputs';
export type { Progress } from './domain/job/progress';
export type { ExecutionFailure, NodeProgress, Preview, RunEvent, RunOutcome } from './domain/job/run-event';
export type { NodeErrors, NodeProblem } from './domain/workflow/node-errors';
export type { Link, Workflow, WorkflowNode } from './domain/workflow/workflow';

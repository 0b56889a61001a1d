import type { Status } from '../../../application/backends/status.service';
import { currentAttempt, type Job } from '../../../domain/job/job';
import { isObject } from '../../../shared/json';
import type { StatusResponseDto } from './status.dto';
import type { QueuedPromptResponseDto } from './workflow.dto';

export function toStatusResponse({ reachable, backends }: Status): StatusResponseDto {
  return { status: 'success', data: { reachable, backends: backends as StatusResponseDto['data']['backends'] } };
}

export function toQueuedPromptResponse(job: Job): QueuedPromptResponseDto {
  const { number, nodeErrors } = job.acceptance ?? { number: null, nodeErrors: {} };
  const promptId = currentAttempt(job)?.promptId ?? job.id;
  return { status: 'success', data: { promptId, jobId: job.id, status: job.status, number, nodeErrors } };
}

/** The workflow of a body: its `prompt`, or the body itself. */
export function workflowIn(body: unknown): unknown {
  return isObject(body) && 'prompt' in body && !isNode(body.prompt) ? body.prompt : body;
}

/** In a bare workflow, `prompt` may be the id of a node. */
function isNode(value: unknown): boolean {
  return isObject(value) && typeof value.class_type === 'string';
}

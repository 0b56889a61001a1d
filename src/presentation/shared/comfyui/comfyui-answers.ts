import type { Status } from '../../../application/backends/status.service';
import { currentAttempt, type Job } from '../../../domain/job/job';
import { isObject } from '../../../shared/json';
import type { StatusAnswerDto } from './status.dto';
import type { QueuedPromptAnswerDto } from './workflow.dto';

export function statusAnswer({ reachable, backends }: Status): StatusAnswerDto {
  return { status: 'success', data: { reachable, backends: backends as StatusAnswerDto['data']['backends'] } };
}

export function queuedPromptAnswer(job: Job): QueuedPromptAnswerDto {
  const { number, nodeErrors } = job.acceptance ?? { number: null, nodeErrors: {} };
  const promptId = currentAttempt(job)?.promptId ?? job.id;
  return { status: 'success', data: { promptId, jobId: job.id, status: job.status, number, nodeErrors } };
}

/** The workflow of a body that is one, or has one as its `prompt`. */
export function workflowIn(body: unknown): unknown {
  return isObject(body) && 'prompt' in body && !isNode(body.prompt) ? body.prompt : body;
}

/** A workflow may have a node whose id is `prompt`. */
function isNode(value: unknown): boolean {
  return isObject(value) && typeof value.class_type === 'string';
}

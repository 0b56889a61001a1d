import type { GenerationRequest } from '../../../application/jobs/job-request';
import type { GenerateBody } from './generate-body.pipe';

/** The request for a job. Of the body, all but the fields that concern only the response. */
export function generationRequest(
  body: GenerateBody,
  { idempotencyKey, whenUnreachable }: Pick<GenerationRequest, 'idempotencyKey' | 'whenUnreachable'>,
): GenerationRequest {
  const {
    prompt,
    timeout: _timeout,
    cancelOnDisconnect: _cancel,
    response: _response,
    output: _output,
    ...options
  } = body;
  return { workflow: prompt, ...options, idempotencyKey, whenUnreachable };
}

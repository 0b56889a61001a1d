import type { GenerationRequest } from '../../../application/jobs/job-submission';
import type { GenerateBody } from './generate-body.pipe';

/** What is said of a request beside its body. */
type Besides = Pick<GenerationRequest, 'idempotencyKey' | 'whenUnreachable'>;

export function generationRequest(body: GenerateBody, besides: Besides): GenerationRequest {
  const { prompt, allowPartial, keepPreviews, label, priority, labels } = body;
  return { workflow: prompt, allowPartial, keepPreviews, label, priority, labels, ...besides };
}

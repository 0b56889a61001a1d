import type { GenerationResult } from '../../../application/generation-result';
import { ComfyUIError } from '../../../domain/errors';
import type { JobDto } from '../jobs/job.dto';
import { type Answer, answer } from '../streaming/answer';
import { generationJson } from './generation-json';
import { byteLength, write } from './streamed-json';

export function jsonAnswer(result: GenerationResult): Answer {
  const parts = generationJson(result);
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(byteLength(parts)) };
  return answer(result.id, headers, write(parts));
}

/** @throws ComfyUIError `invalid_workflow` when the run made no image */
export function imageAnswer(result: GenerationResult): Answer {
  const [image] = result.images;
  if (!image) {
    const message = 'The workflow ran and made no image: add a SaveImage or PreviewImage node, or ask for JSON.';
    throw new ComfyUIError('invalid_workflow', message, { jobId: result.id });
  }
  const headers = {
    'Content-Type': image.mediaType,
    'Content-Length': String(image.sizeBytes),
    'Content-Security-Policy': "default-src 'none'; sandbox",
  };
  return answer(result.id, headers, image.stream());
}

/** The job goes on by itself; `location` is where to ask for it. */
export function acceptedAnswer(job: JobDto, location: string): Answer {
  const headers = { Location: location, 'Preference-Applied': 'respond-async' };
  return { status: 202, ...answer(job.id, headers, job) };
}

import { ComfyUIError } from '../../../domain/errors';
import type { JobDto } from '../../shared/jobs/job.dto';
import { type Answer, answer } from '../streaming/answer';
import type { GenerationAnswer } from '../../shared/generate/generation-answer';
import { generationJson } from './generation-json';
import { byteLength, write } from './streamed-json';

export function jsonAnswer(generation: GenerationAnswer): Answer {
  const parts = generationJson(generation);
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(byteLength(parts)) };
  return answer(generation.id, headers, write(parts));
}

/** @throws ComfyUIError `invalid_workflow` when the run made no image */
export function imageAnswer({ id, images }: GenerationAnswer): Answer {
  const [image] = images;
  if (!image?.open) {
    const message = 'The workflow ran and made no image: add a SaveImage or PreviewImage node, or ask for JSON.';
    throw new ComfyUIError('invalid_workflow', message, { jobId: id });
  }
  const headers = {
    'Content-Type': image.mediaType,
    'Content-Length': String(image.sizeBytes),
    'Content-Security-Policy': "default-src 'none'; sandbox",
  };
  return answer(id, headers, image.open());
}

/** The job goes on by itself; `location` is where to ask for it. */
export function acceptedAnswer(job: JobDto, location: string): Answer {
  const headers = { Location: location, 'Preference-Applied': 'respond-async' };
  return { status: 202, ...answer(job.id, headers, job) };
}

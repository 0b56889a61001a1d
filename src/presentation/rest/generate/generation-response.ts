import type { GenerationResult } from '../../../application/jobs/generation-result';
import { ComfyUIError } from '../../../domain/errors';
import type { ResponseContext } from '../../shared/generate/response-context';
import type { JobDto } from '../../shared/jobs/job.dto';
import { type JobResponse, jobResponse } from '../streaming/response';
import { byteLength, write } from '../streaming/streamed-json';
import { generationJson } from './generation-json';

export function jsonResponse(result: GenerationResult, context: ResponseContext): JobResponse {
  const parts = generationJson(result, context);
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': String(byteLength(parts)) };
  return jobResponse(result.id, headers, write(parts));
}

/** @throws ComfyUIError `invalid_workflow` when the run produced no image */
export function imageResponse({ id, images }: GenerationResult): JobResponse {
  const [image] = images;
  if (!image) {
    const message = 'The workflow ran and produced no image: add a SaveImage or PreviewImage node, or ask for JSON.';
    throw new ComfyUIError('invalid_workflow', message, { jobId: id });
  }
  const headers = {
    'Content-Type': image.mediaType,
    'Content-Length': String(image.sizeBytes),
    'Content-Security-Policy': "default-src 'none'; sandbox",
  };
  return jobResponse(id, headers, image.stream());
}

/** For a job that goes on without its caller. @param location the path of the job */
export function acceptedResponse(job: JobDto, location: string): JobResponse {
  const headers = { Location: location, 'Preference-Applied': 'respond-async' };
  return { status: 202, ...jobResponse(job.id, headers, job) };
}

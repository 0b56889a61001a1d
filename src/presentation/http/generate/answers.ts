import type { GenerationResult } from '../../../application/generation-result';
import { ComfyUIError } from '../../../domain/errors';
import { generationJson } from './generation-json';
import { byteLength, write } from './streamed-json';

/** Answers are about one moment, and files are not to be taken for pages of this service. */
const COMMON_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

export interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  /** Nest sends it piece by piece as the connection takes it, and breaks the connection off when it fails. */
  readonly body: AsyncIterable<string | Buffer>;
}

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

export function eventsAnswer(jobId: string, events: AsyncIterable<string>): Answer {
  return answer(jobId, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' }, events);
}

function answer(jobId: string, headers: Answer['headers'], body: Answer['body']): Answer {
  return { headers: { ...COMMON_HEADERS, 'X-Job-Id': jobId, ...headers }, body };
}

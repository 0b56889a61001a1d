import type { GeneratedFile } from '../../../application/assets/generated-file';
import type { GenerationResult } from '../../../application/jobs/generation-result';
import { toOutputFileDto } from '../../shared/generate/generation.dto';
import { fileUrl, type ResponseContext } from '../../shared/generate/response-context';
import { base64, json, jsonArray, jsonObject, type StreamedJson } from '../streaming/streamed-json';

/** The response of `POST /generate`; `image` comes first, for clients that read nothing else. */
export function generationJson(result: GenerationResult, context: ResponseContext): StreamedJson {
  const [first] = result.images;
  const image = first ? imageJson(first, context) : json(null);
  return jsonObject({ image, ...resultFields(result, (file) => fileJson(file, context)) });
}

/** The same without the bytes: the end of an event stream that has sent them already. */
export function generationSummaryJson(result: GenerationResult, context: ResponseContext): StreamedJson {
  return jsonObject(resultFields(result, (file) => jsonObject(fileFields(file, context))));
}

export function fileJson(file: GeneratedFile, context: ResponseContext): StreamedJson {
  return jsonObject({ ...fileFields(file, context), base64: file.hasBytes ? bytesJson(file) : [] });
}

function imageJson(file: GeneratedFile, context: ResponseContext): StreamedJson {
  return file.hasBytes ? bytesJson(file) : json(fileUrl(file, context));
}

function bytesJson(file: GeneratedFile): StreamedJson {
  return base64({ sizeBytes: file.sizeBytes, stream: () => file.stream() });
}

function resultFields(
  { id, images, files, texts, attempts, durationMs }: GenerationResult,
  toJson: (file: GeneratedFile) => StreamedJson,
): Record<string, StreamedJson> {
  return {
    id: json(id),
    images: jsonArray(images.map(toJson)),
    files: jsonArray(files.map(toJson)),
    texts: json(texts),
    attempts: json(attempts),
    durationMs: json(durationMs),
  };
}

function fileFields(file: GeneratedFile, context: ResponseContext): Record<string, StreamedJson> {
  const fields = Object.entries(toOutputFileDto(file, context));
  return Object.fromEntries(fields.map(([name, value]) => [name, json(value)]));
}

import type { GeneratedFile, GenerationResult } from '../../../application/generation-result';
import { base64, json, jsonArray, jsonObject, type StreamedJson } from './streamed-json';

/** The answer of `POST /generate`; `image` comes first, for clients that read nothing else. */
export function generationJson(result: GenerationResult): StreamedJson {
  const [first] = result.images;
  return jsonObject({ image: first ? base64(first) : json(null), ...bodyFields(result, fileJson) });
}

/** The same without the bytes: the end of an event stream that has sent them already. */
export function generationSummaryJson(result: GenerationResult): StreamedJson {
  return jsonObject(bodyFields(result, fileSummaryJson));
}

export function fileJson(file: GeneratedFile): StreamedJson {
  return jsonObject({ ...fileFields(file), base64: base64(file) });
}

function fileSummaryJson(file: GeneratedFile): StreamedJson {
  return jsonObject(fileFields(file));
}

function bodyFields(
  result: GenerationResult,
  toJson: (file: GeneratedFile) => StreamedJson,
): Record<string, StreamedJson> {
  return {
    id: json(result.id),
    images: jsonArray(result.images.map(toJson)),
    files: jsonArray(result.files.map(toJson)),
    texts: json(result.texts),
    attempts: json(result.attempts),
    durationMs: json(result.durationMs),
  };
}

function fileFields(file: GeneratedFile): Record<string, StreamedJson> {
  return {
    nodeId: json(file.nodeId),
    filename: json(file.filename),
    mediaType: json(file.mediaType),
    width: json(file.width),
    height: json(file.height),
    durationSeconds: json(file.durationSeconds),
    sizeBytes: json(file.sizeBytes),
  };
}

import type { GenerationAnswer, ToldFile } from '../../shared/generate/generation-answer';
import { fileSummary } from '../../shared/generate/generation-summary';
import { base64, json, jsonArray, jsonObject, type StreamedJson } from './streamed-json';

/** The answer of `POST /generate`; `image` comes first, for clients that read nothing else. */
export function generationJson(answer: GenerationAnswer): StreamedJson {
  const [first] = answer.images;
  return jsonObject({ image: first ? imageJson(first) : json(null), ...bodyFields(answer, fileJson) });
}

/** The same without the bytes: the end of an event stream that has sent them already. */
export function generationSummaryJson(answer: GenerationAnswer): StreamedJson {
  return jsonObject(bodyFields(answer, fileSummaryJson));
}

export function fileJson(file: ToldFile): StreamedJson {
  return jsonObject({ ...fileFields(file), base64: bytesJson(file) });
}

function imageJson(file: ToldFile): StreamedJson {
  return file.open ? bytesJson(file) : json(file.url);
}

function bytesJson({ open, sizeBytes }: ToldFile): StreamedJson {
  return open ? base64({ sizeBytes, stream: open }) : [];
}

function fileSummaryJson(file: ToldFile): StreamedJson {
  return jsonObject(fileFields(file));
}

function bodyFields(
  { id, images, files, texts, attempts, durationMs }: GenerationAnswer,
  toJson: (file: ToldFile) => StreamedJson,
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

function fileFields(file: ToldFile): Record<string, StreamedJson> {
  return Object.fromEntries(Object.entries(fileSummary(file)).map(([name, value]) => [name, json(value)]));
}

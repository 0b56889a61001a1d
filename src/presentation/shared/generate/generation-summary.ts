import type { GenerationAnswer, ToldFile } from './generation-answer';
import type { GenerationDto, OutputFileDto } from './generation.dto';

/** What a generation made, without a byte of it. */
export function generationSummary(answer: GenerationAnswer): GenerationDto {
  const { id, images, files, texts, attempts, durationMs } = answer;
  return {
    id,
    images: images.map(fileSummary),
    files: files.map(fileSummary),
    texts: [...texts],
    attempts,
    durationMs,
  };
}

export function fileSummary({ made, mediaType, width, height, sizeBytes, url }: ToldFile): OutputFileDto {
  const { assetId, nodeId, filename, durationSeconds } = made;
  return { assetId, nodeId, filename, mediaType, width, height, durationSeconds, sizeBytes, url };
}

import type { DeliveredFile } from '../../../application/assets/file-delivery';
import { attemptNumber, type Job } from '../../../domain/job/job';
import type { OutputText } from '../../../domain/job/outputs';
import type { UrlBuilder } from '../url-builder';
import type { OutputFormatDto } from './generate.dto';

/** How a generation is told. */
export interface ResponseContext {
  readonly urls: UrlBuilder;
  /** What pictures are converted to. */
  readonly output?: OutputFormatDto;
}

/** A file as it is told. */
export interface ToldFile extends DeliveredFile {
  /** Where it is to be had as it is answered. */
  readonly url: string;
}

/** What a job made, for its caller. */
export interface GenerationAnswer {
  readonly id: string;
  readonly attempts: number;
  /** From submission to the last file, milliseconds. */
  readonly durationMs: number;
  readonly images: readonly ToldFile[];
  readonly files: readonly ToldFile[];
  readonly texts: readonly OutputText[];
}

export function generationAnswer(
  job: Job,
  delivered: readonly DeliveredFile[],
  context: ResponseContext,
): GenerationAnswer {
  const all = delivered.map((file) => toldFile(file, context));
  const isImage = ({ mediaType }: DeliveredFile) => mediaType.startsWith('image/');
  return {
    id: job.id,
    attempts: attemptNumber(job),
    durationMs: (job.endedAt ?? job.queuedAt) - job.queuedAt,
    images: all.filter(isImage),
    files: all.filter((file) => !isImage(file)),
    texts: job.texts,
  };
}

/** The storage has files as they were made; the service converts again, or has the picture still. */
export function toldFile(file: DeliveredFile, context: ResponseContext): ToldFile {
  const own = context.urls.asset(file.made.assetId);
  const { format = '', quality } = context.output ?? {};
  const query = new URLSearchParams({ format, ...(quality !== undefined && { quality: String(quality) }) });
  return { ...file, url: file.isConverted ? `${own}?${query.toString()}` : (file.link ?? own) };
}

import { attemptNumber, type Job } from '../../domain/job/job';
import type { OutputText } from '../../domain/job/outputs';
import type { GeneratedFile } from '../assets/generated-file';

/** What a job produced. The bytes are held until {@link discard}. @publicApi */
export class GenerationResult {
  readonly id: string;
  readonly attempts: number;
  /** From submission to the last file, milliseconds. */
  readonly durationMs: number;
  /** In the order of the nodes as submitted; temporary files only where a run produced nothing else. */
  readonly images: readonly GeneratedFile[];
  /** Video, audio, 3D and all other files that are not images. */
  readonly files: readonly GeneratedFile[];
  readonly texts: readonly OutputText[];

  constructor(
    job: Job,
    files: readonly GeneratedFile[],
    private readonly release: () => void,
  ) {
    const { id, queuedAt, endedAt, texts } = job;
    this.id = id;
    this.attempts = attemptNumber(job);
    this.durationMs = (endedAt ?? queuedAt) - queuedAt;
    this.images = files.filter((file) => file.isImage);
    this.files = files.filter((file) => !file.isImage);
    this.texts = texts;
  }

  /** Gives memory and disk back. Call it once, when the bytes are used. */
  discard(): void {
    this.release();
  }
}

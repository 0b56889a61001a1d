import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { attemptNumber, type CollectedFile } from '../../domain/job/job';
import type { OutputText } from '../../domain/job/outputs';
import type { JobSession } from './job-session';
import type { TempFile } from '../assets/temp-files';

/** One output file of a job: what it is, and its bytes. */
export class GeneratedFile {
  /** What `AssetService` and `GET /assets/:id` know it by. */
  readonly assetId: string;
  readonly nodeId: string;
  /** ComfyUI's name for it; not unique. */
  readonly filename: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels, of pictures and films. */
  readonly width?: number;
  readonly height?: number;
  /** Of sound and films. */
  readonly durationSeconds?: number;
  readonly #tempFile: TempFile;

  constructor(file: CollectedFile, tempFile: TempFile) {
    this.assetId = file.assetId;
    this.nodeId = file.nodeId;
    this.filename = file.filename;
    this.mediaType = file.mediaType;
    this.sizeBytes = file.sizeBytes;
    this.width = file.width;
    this.height = file.height;
    this.durationSeconds = file.durationSeconds;
    this.#tempFile = tempFile;
  }

  get isImage(): boolean {
    return this.mediaType.startsWith('image/');
  }

  /** The bytes as a stream; as often as needed. */
  stream(): Readable {
    return this.#tempFile.open();
  }

  /** The whole file in memory. */
  bytes(): Promise<Buffer> {
    return buffer(this.stream());
  }
}

/** What a job made. The bytes are held until {@link discard}. */
export class GenerationResult {
  readonly id: string;
  readonly attempts: number;
  /** From submission to the last file, milliseconds. */
  readonly durationMs: number;
  /** In the order of the nodes as submitted; temporary files only where a run made nothing else. */
  readonly images: readonly GeneratedFile[];
  /** Video, audio, 3D and whatever else is not an image. */
  readonly files: readonly GeneratedFile[];
  readonly texts: readonly OutputText[];

  constructor(private readonly session: JobSession) {
    const { id, queuedAt, endedAt, outputs, texts } = session.job;
    const all = outputs.map((file) => new GeneratedFile(file, session.bytesOf(file)));
    this.id = id;
    this.attempts = attemptNumber(session.job);
    this.durationMs = (endedAt ?? queuedAt) - queuedAt;
    this.images = all.filter((file) => file.isImage);
    this.files = all.filter((file) => !file.isImage);
    this.texts = texts;
  }

  /** Gives memory and disk back. Call it once, when the bytes are used. */
  discard(): void {
    this.session.release();
  }
}

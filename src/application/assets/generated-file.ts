import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { CollectedFile } from '../../domain/job/job';
import { ComfyUIError } from '../../domain/errors';

/** A file as delivered to one caller: as ComfyUI produced it, or converted. */
export interface FileContent {
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly width?: number;
  readonly height?: number;
  readonly isConverted: boolean;
  /** Public link of the storage; null where it has none, and for converted images. */
  readonly link: string | null;
  /** Opens a stream of all bytes; undefined when they were not asked for. */
  readonly open?: () => Readable;
  /** Gives up what is held for this caller. */
  readonly release?: () => void;
}

/** One output file of a job: its metadata and its bytes. @publicApi */
export class GeneratedFile {
  /** The id of the file for `AssetService` and `GET /assets/:id`. */
  readonly assetId: string;
  readonly nodeId: string;
  /** ComfyUI's name for it; not unique. */
  readonly filename: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Pixels, of images and videos. */
  readonly width?: number;
  readonly height?: number;
  /** Of audio and videos. */
  readonly durationSeconds?: number;
  /** Whether it differs from the stored file: an image in another format. */
  readonly isConverted: boolean;
  /** Public link of the storage; null where it has none or none was asked for, and for converted images. */
  readonly link: string | null;
  readonly #content: FileContent;

  constructor(file: CollectedFile, content: FileContent) {
    this.assetId = file.assetId;
    this.nodeId = file.nodeId;
    this.filename = file.filename;
    this.mediaType = content.mediaType;
    this.sizeBytes = content.sizeBytes;
    this.width = content.width;
    this.height = content.height;
    this.durationSeconds = file.durationSeconds;
    this.isConverted = content.isConverted;
    this.link = content.link;
    this.#content = content;
  }

  get isImage(): boolean {
    return this.mediaType.startsWith('image/');
  }

  /** False with `withBytes: false`. */
  get hasBytes(): boolean {
    return this.#content.open !== undefined;
  }

  /** The bytes as a stream; as often as needed. @throws ComfyUIError `not_found` without bytes, or after their release */
  stream(): Readable {
    const { open } = this.#content;
    if (!open) throw new ComfyUIError('not_found', `${this.filename} was delivered without its bytes.`);
    return open();
  }

  /** The whole file in memory. */
  async bytes(): Promise<Buffer> {
    return buffer(this.stream());
  }

  /** Gives up a converted image; done by `GenerationResult.discard()`. */
  release(): void {
    this.#content.release?.();
  }
}

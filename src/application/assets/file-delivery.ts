import type { Readable } from 'node:stream';
import type { CollectedFile } from '../../domain/job/job';
import type { JobSession } from '../jobs/job-session';
import { ownSignal } from '../../shared/own-signal';
import type { ConvertedImage } from './images/cached-image';
import type { ImageConversions } from './images/image-conversions';
import { isConvertible, type ImageTransform } from './images/image-transform';
import type { AssetFiles } from './asset-files';
import type { AssetLinks } from './asset-links';

/** How the files of a job are to be answered. */
export interface DeliveryOptions {
  /** Their bytes, or only where they are to be had. */
  readonly withBytes: boolean;
  /** What pictures are converted to. */
  readonly picture?: ImageTransform;
}

/** A file as it is answered. */
export interface DeliveredFile {
  /** As it was made. */
  readonly made: CollectedFile;
  /** As it is answered: something else when it was converted. */
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly width?: number;
  readonly height?: number;
  readonly isConverted: boolean;
  /** Where the storage gives it to anybody; null: only this service has it so. */
  readonly link: string | null;
  /** A fresh stream of its bytes; left out when they were not asked for. */
  readonly open?: () => Readable;
}

export interface DeliveryTools {
  readonly files: AssetFiles;
  readonly links: AssetLinks;
  readonly conversions: ImageConversions;
}

/** The files of one job on their way to one caller. */
export class FileDelivery {
  /** Made for the first: most callers wait. */
  #delivered: Map<string, Promise<DeliveredFile>> | undefined;
  #converted: Set<ConvertedImage> | undefined;

  constructor(
    private readonly session: JobSession,
    private readonly options: DeliveryOptions,
    private readonly tools: DeliveryTools,
  ) {}

  /** All files of the job, in its order. @throws as {@link file} */
  files(signal: AbortSignal): Promise<DeliveredFile[]> {
    return Promise.all(this.session.job.outputs.map((made) => this.file(made, ownSignal(signal))));
  }

  /**
   * One file, with all its bytes; each is made ready once.
   * @throws ComfyUIError `output_missing` when it was deleted, `storage_failed`; what conversions throw; the signal's reason
   */
  file(made: CollectedFile, signal: AbortSignal): Promise<DeliveredFile> {
    this.#delivered ??= new Map();
    const delivered = this.#delivered.get(made.assetId) ?? this.#prepare(made, signal);
    this.#delivered.set(made.assetId, delivered);
    return delivered;
  }

  /** Gives back what was held for the caller: the answer is sent, or not wanted any more. */
  end(): void {
    for (const picture of this.#converted ?? []) picture.release();
    this.#converted = undefined;
  }

  #prepare(made: CollectedFile, signal: AbortSignal): Promise<DeliveredFile> {
    const { picture } = this.options;
    return picture && isConvertible(made.mediaType) ? this.#convert(made, picture, signal) : this.#asMade(made, signal);
  }

  async #asMade(made: CollectedFile, signal: AbortSignal): Promise<DeliveredFile> {
    const { withBytes } = this.options;
    const { files, links } = this.tools;
    const [link] = await Promise.all([
      links.link(made, signal),
      withBytes ? files.hold(this.session, made, signal) : undefined,
    ]);
    const { mediaType, sizeBytes, width, height } = made;
    const open = withBytes ? () => this.session.bytesOf(made).open() : undefined;
    return { made, mediaType, sizeBytes, width, height, isConverted: false, link, open };
  }

  async #convert(made: CollectedFile, picture: ImageTransform, signal: AbortSignal): Promise<DeliveredFile> {
    const open = (reading: AbortSignal) => this.tools.files.open(this.session, made, reading);
    const converted = await this.tools.conversions.convert({ ...made, open }, picture, signal);
    if (signal.aborted) converted.release();
    signal.throwIfAborted();
    this.#converted ??= new Set();
    this.#converted.add(converted);
    const { mediaType, sizeBytes, width, height } = converted;
    const bytes = this.options.withBytes ? () => converted.open() : undefined;
    return { made, mediaType, sizeBytes, width, height, isConverted: true, link: null, open: bytes };
  }
}

import { Injectable } from '@nestjs/common';
import type { CollectedFile } from '../../domain/job/job';
import type { JobSession } from '../jobs/job-session';
import { AssetFiles } from './asset-files';
import { AssetLinks } from './asset-links';
import { GeneratedFile } from './generated-file';
import { ImageConversions } from './images/image-conversions';
import { isConvertible, type ImageTransform } from './images/image-transform';

/** How the files of a job are delivered. */
export interface DeliveryOptions {
  /** Default true; false: what is known of them, without bytes. */
  readonly withBytes?: boolean;
  /** With the public links of the storage; default false. */
  readonly withLinks?: boolean;
  /** What images are converted to. */
  readonly transform?: ImageTransform;
}

/** Prepares the files of a job for a caller: bytes or links, converted or as produced. */
@Injectable()
export class FileDelivery {
  constructor(
    private readonly files: AssetFiles,
    private readonly links: AssetLinks,
    private readonly conversions: ImageConversions,
  ) {}

  /**
   * One file with all its bytes, to be released.
   * @throws ComfyUIError `output_missing` when it was deleted, `storage_failed`; what conversions throw; the signal's reason
   */
  async deliver(
    session: JobSession,
    file: CollectedFile,
    options: DeliveryOptions,
    signal: AbortSignal,
  ): Promise<GeneratedFile> {
    const { transform } = options;
    if (transform && isConvertible(file.mediaType)) return this.#convert(session, file, options, transform, signal);
    const { withBytes = true, withLinks = false } = options;
    const [link] = await Promise.all([
      withLinks ? this.links.link(file, signal) : null,
      withBytes ? this.files.hold(session, file, signal) : undefined,
    ]);
    const { mediaType, sizeBytes, width, height } = file;
    const open = withBytes ? () => session.bytesOf(file).open() : undefined;
    return new GeneratedFile(file, { mediaType, sizeBytes, width, height, isConverted: false, link, open });
  }

  async #convert(
    session: JobSession,
    file: CollectedFile,
    { withBytes = true }: DeliveryOptions,
    transform: ImageTransform,
    signal: AbortSignal,
  ): Promise<GeneratedFile> {
    const source = { ...file, open: (reading: AbortSignal) => this.files.open(session, file, reading) };
    const image = await this.conversions.convert(source, transform, signal);
    if (signal.aborted) image.release();
    signal.throwIfAborted();
    const { mediaType, sizeBytes, width, height } = image;
    const open = withBytes ? () => image.open() : undefined;
    const release = () => image.release();
    return new GeneratedFile(file, {
      mediaType,
      sizeBytes,
      width,
      height,
      isConverted: true,
      link: null,
      open,
      release,
    });
  }
}

import { Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import type { CollectedFile } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import { ownSignal } from '../../shared/own-signal';
import type { AssetStorage, LinkOptions } from './asset-storage';

/** Browsers show these and run nothing in them; an SVG is a page that may hold scripts. */
const SHOWN = /^(image\/(?!svg)|video\/|audio\/)/;

/** Where a file that a job made is had from. */
export class AssetLinks {
  readonly #logger = new Logger(AssetLinks.name);

  /** @param publicUrl where callers reach our endpoints, without a slash at the end; undefined: links are paths */
  constructor(
    private readonly storage: AssetStorage,
    private readonly publicUrl: string | undefined,
  ) {}

  /** Whether {@link lasting} links are of use away from this service. */
  get areWhole(): boolean {
    return this.storage.linksLast || this.publicUrl !== undefined;
  }

  /** The storage's own, for an answer: it works at once, but perhaps not tomorrow. Null when there is none, or none to be had. */
  async link(file: CollectedFile, signal: AbortSignal): Promise<string | null> {
    try {
      return await this.storage.link(file.sha256, wishFor(file), ownSignal(signal));
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.warn(`No link to ${oneLine(file.filename)}: ${oneLine(toComfyUIError(error).message)}`);
      return null;
    }
  }

  /**
   * To be kept: it works for as long as the file is there.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  async lasting(file: CollectedFile, signal: AbortSignal): Promise<string> {
    const link = this.storage.linksLast ? await this.storage.link(file.sha256, wishFor(file), signal) : null;
    return link ?? `${this.publicUrl ?? ''}/assets/${file.assetId}`;
  }
}

function wishFor({ filename, mediaType }: CollectedFile): LinkOptions {
  return { filename, mediaType, inline: SHOWN.test(mediaType) };
}

import { Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import type { CollectedFile } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import { ownSignal } from '../../shared/own-signal';
import type { AssetStorage, LinkOptions } from './asset-storage';

/** Browsers show these and run nothing in them; an SVG is a page that may hold scripts. */
const SHOWN = /^(image\/(?!svg)|video\/|audio\/)/;

/** The URLs of files. */
export class AssetLinks {
  readonly #logger = new Logger(AssetLinks.name);

  /** @param publicUrl base URL of the endpoints of this service, without a slash at the end; undefined: links are paths */
  constructor(
    private readonly storage: AssetStorage,
    private readonly publicUrl: string | undefined,
  ) {}

  /** Whether {@link lasting} links are complete URLs. */
  get areComplete(): boolean {
    return this.storage.linksLast || this.publicUrl !== undefined;
  }

  /** The storage's own link, for a response: it may expire. Null when there is none. Never rejects, except when aborted. */
  async link(file: CollectedFile, signal: AbortSignal): Promise<string | null> {
    try {
      return await this.storage.link(file.sha256, linkOptions(file), ownSignal(signal));
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.warn(`No link to ${oneLine(file.filename)}: ${oneLine(toComfyUIError(error).message)}`);
      return null;
    }
  }

  /**
   * A link to be stored: it works for as long as the file is stored.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  async lasting(file: CollectedFile, signal: AbortSignal): Promise<string> {
    const link = this.storage.linksLast ? await this.storage.link(file.sha256, linkOptions(file), signal) : null;
    return link ?? `${this.publicUrl ?? ''}/assets/${file.assetId}`;
  }
}

function linkOptions({ filename, mediaType }: CollectedFile): LinkOptions {
  return { filename, mediaType, inline: SHOWN.test(mediaType) };
}

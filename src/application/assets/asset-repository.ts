import type { Asset } from '../../domain/asset';

export interface AssetQuery {
  /** `image/png`, or all of a kind: `image/*`. */
  readonly mediaType?: string;
  readonly jobId?: string;
  /** Milliseconds since the epoch, inclusive. */
  readonly createdFrom?: number;
  /** Milliseconds since the epoch, exclusive. */
  readonly createdBefore?: number;
  /** The label of the job, exactly. */
  readonly label?: string;
  /** Part of the prompt's texts, in any case. */
  readonly text?: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface AssetPage {
  /** Newest first. */
  readonly assets: readonly Asset[];
  /** Cursor of the page after; null at the end. */
  readonly next: string | null;
}

export interface UnusedFiles {
  readonly unused: readonly string[];
  /** The last hash that was checked; null when there are no more. */
  readonly last: string | null;
}

/** The time that storing a file may take, until the job with it is written, ms. */
export const STORING_MS = 60 * 60 * 1000;

/**
 * The assets, written with their jobs, and the files in the storage: assets with the same bytes share one file, which is removed
 * when no asset has it. Every call rejects with `ComfyUIError` `storage_failed` when the database is unreachable, locked or full.
 */
export abstract class AssetRepository {
  abstract find(id: string): Promise<Asset | undefined>;

  /**
   * A page of assets. Assets that arrive meanwhile neither shift nor repeat others on later pages.
   * @throws ComfyUIError `invalid_request` for an invalid cursor
   */
  abstract list(query: AssetQuery): Promise<AssetPage>;

  /** Deletes an asset; its file is removed later, when no other asset has it. @returns whether it existed */
  abstract remove(id: string): Promise<boolean>;

  /**
   * Protects a file from removal for {@link STORING_MS}, before its bytes are stored.
   * @returns whether a job has stored these bytes already; `leaving`: they are being removed, try again later
   */
  abstract claimFile(sha256: string, now: number): Promise<'new' | 'known' | 'leaving'>;

  /**
   * Marks the unused files among the next few hashes as being removed; {@link claimFile} answers `leaving` for them.
   * @param after the last hash that was checked; `''` at first
   */
  abstract takeUnusedFiles(now: number, after: string): Promise<UnusedFiles>;

  /** Forgets a file whose bytes are removed from the storage. */
  abstract fileRemoved(sha256: string): Promise<void>;
}

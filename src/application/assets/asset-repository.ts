import type { Asset } from '../../domain/asset';

export interface AssetQuery {
  /** `image/png`, or all of a kind: `image/*`. */
  readonly mediaType?: string;
  readonly jobId?: string;
  /** Milliseconds since the epoch; the start is part of the span, the end is not. */
  readonly createdFrom?: number;
  readonly createdBefore?: number;
  /** The caller's word for the workflow, exactly. */
  readonly label?: string;
  /** Somewhere in the texts of the prompt, in capitals or not. */
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

/**
 * What is known of the files that jobs made; the jobs' own writes bring them in. All calls reject with `ComfyUIError`
 * `storage_failed` when the database is away, locked or full.
 */
export abstract class AssetRepository {
  abstract find(id: string): Promise<Asset | undefined>;

  /**
   * A page of assets. Those that come meanwhile neither shift nor repeat others on later pages.
   * @throws ComfyUIError `invalid_request` for a cursor that is none
   */
  abstract list(query: AssetQuery): Promise<AssetPage>;

  /** Forgets an asset; its bytes go when no other has them. @returns whether there was one */
  abstract remove(id: string): Promise<boolean>;
}

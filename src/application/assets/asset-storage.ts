import type { Readable } from 'node:stream';

/**
 * Both ends are included, as in HTTP. An end beyond the file means the end of the file.
 * @publicApi
 */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** @publicApi */
export interface FileToStore {
  /** SHA-256 of the bytes: 64 hex digits in lower case. Trusted: it was computed from the bytes as they arrived. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** No earlier store of these bytes is known: the storage need not check for it. Default false. */
  readonly isNew?: boolean;
  /** All bytes, when they are in memory. */
  readonly bytes?: Buffer;
  /** A local file with the bytes that is never written again, when there is one. */
  readonly path?: string;
  /** A fresh stream of all bytes; called once per attempt. */
  open(): Readable;
}

/**
 * The part of a file to read; the signal also ends the reading.
 * @publicApi
 */
export interface Reading {
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/** @publicApi */
export interface OpenedFile {
  /** The requested bytes. Ends early only with an error. A reader that stops before the end destroys it. */
  readonly stream: Readable;
  /** All requested bytes, where they were read at once; then the stream need not be read. */
  readonly bytes?: Buffer;
  /** Size of the whole file, whatever the range. */
  readonly sizeBytes: number;
}

/** @publicApi */
export interface LinkOptions {
  readonly filename: string;
  readonly mediaType: string;
  /** The browser shows the file instead of saving it. */
  readonly inline: boolean;
}

/**
 * Keeps finished files, addressed by their hash. A key other than 64 lower-case hex digits, or an invalid range, is refused with
 * `invalid_request` before anything is touched. Other failures are `storage_failed` with a message that names the setting to
 * check; temporary ones are retried first. An aborted call rejects with the signal's reason.
 * @publicApi
 * @example
 * ComfyUIModule.forRoot({ storage: new MyStorage() })
 */
export abstract class AssetStorage {
  /** Whether links work for as long as the file is stored. */
  abstract readonly linksLast: boolean;

  /**
   * At start: creates the folder or bucket if it is missing, then stores, reads and removes a small file.
   * @throws ComfyUIError `storage_failed`
   */
  abstract check(signal: AbortSignal): Promise<void>;

  /**
   * Stores a file; once it resolves, the file survives a crash. Stored bytes are not sent again, unless the file counts as new. A
   * source that breaks off, or has another size, leaves nothing behind.
   * @throws ComfyUIError `storage_failed`; the source's own error when that fails
   */
  abstract put(file: FileToStore, signal: AbortSignal): Promise<void>;

  /** @throws ComfyUIError `not_found`, `storage_failed`; `invalid_request` for a range that starts beyond the end */
  abstract open(sha256: string, reading: Reading): Promise<OpenedFile>;

  /** Removes a file; a missing one is no error. The stream of a reader may fail. */
  abstract remove(sha256: string, signal: AbortSignal): Promise<void>;

  /**
   * A URL that serves the file without this service, for as long as the storage is configured; null when there is none. May not
   * check whether the file exists.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  abstract link(sha256: string, options: LinkOptions, signal: AbortSignal): Promise<string | null>;
}

import type { Readable } from 'node:stream';

/** Both ends are part of it, as in HTTP. An end beyond the file is the file's end. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface FileToStore {
  /** Of the bytes: 64 hex digits in lower case. Taken as true: who brings the bytes has made it of them. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** Nobody is known to have stored it: it is not looked for. Default false. */
  readonly isNew?: boolean;
  /** All of them, when they are in memory. */
  readonly bytes?: Buffer;
  /** A file of this machine that has them and is never written again, when there is one. */
  readonly path?: string;
  /** A fresh stream of all bytes; asked for once a try. */
  open(): Readable;
}

/** What of a file to read; the signal also ends the reading. */
export interface Reading {
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

export interface OpenedFile {
  /** The bytes asked for. Ends early only with an error. Who does not read it to its end destroys it. */
  readonly stream: Readable;
  /** All of them, where they were read at once: who takes these leaves the stream alone. */
  readonly bytes?: Buffer;
  /** Of the whole file, whatever the range. */
  readonly sizeBytes: number;
}

export interface LinkOptions {
  readonly filename: string;
  readonly mediaType: string;
  /** To be shown, not saved. */
  readonly inline: boolean;
}

/**
 * Where finished files are kept, by what is in them. A key other than 64 lower-case hex digits, or a range that is none,
 * is refused with `invalid_request` before anything is touched. What fails otherwise is `storage_failed`, with a sentence
 * that names the setting to look at; what may pass was tried again before. An aborted call rejects with the signal's reason.
 */
export abstract class AssetStorage {
  /** Whether its links work for as long as the file is there. */
  abstract readonly linksLast: boolean;

  /**
   * For the start: makes the folder or bucket when it is not there, then stores, reads and removes a small file.
   * @throws ComfyUIError `storage_failed`
   */
  abstract check(signal: AbortSignal): Promise<void>;

  /**
   * Keeps a file; once it resolves, the file survives a crash. What is there already is not sent again, unless it passes for new. A source that
   * breaks off, or brings more or fewer bytes than told, leaves nothing behind.
   * @throws ComfyUIError `storage_failed`; the source's own error when that fails
   */
  abstract put(file: FileToStore, signal: AbortSignal): Promise<void>;

  /** @throws ComfyUIError `not_found`, `storage_failed`; `invalid_request` for a range that starts beyond the end */
  abstract open(sha256: string, reading: Reading): Promise<OpenedFile>;

  /** Does nothing when it is not there. Whoever reads the file may see its stream fail. */
  abstract remove(sha256: string, signal: AbortSignal): Promise<void>;

  /**
   * A URL that serves the file to anybody who has it, as long as the storage is set to; null when only this service can
   * serve it. Whether the file is there is not always looked up.
   * @throws ComfyUIError `not_found`, `storage_failed`
   */
  abstract link(sha256: string, options: LinkOptions, signal: AbortSignal): Promise<string | null>;
}

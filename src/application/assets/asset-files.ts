import type { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import type { CollectedFile } from '../../domain/job/job';
import { Timing } from '../../options/timing';
import { oneLine } from '../../shared/text';
import type { JobSession } from '../jobs/job-session';
import { ownSignal } from '../../shared/own-signal';
import { AssetStorage, type OpenedFile } from './asset-storage';
import type { TempFile } from '../../shared/temp-files/temp-file';
import { TempFiles } from '../../shared/temp-files/temp-files';
import { AssetRepository } from './asset-repository';
import { sleep } from '../../shared/sleep';

/** Moves the bytes of files into the storage and out of it. */
@Injectable()
export class AssetFiles {
  readonly #logger = new Logger(AssetFiles.name);
  /** Reads in progress, by asset id. */
  readonly #reading = new Map<string, Promise<void>>();

  constructor(
    private readonly storage: AssetStorage,
    private readonly repository: AssetRepository,
    private readonly tempFiles: TempFiles,
    private readonly timing: Timing,
  ) {}

  /**
   * Resolves when the file survives a crash.
   * @throws ComfyUIError `storage_failed` after several attempts
   */
  async store(file: CollectedFile, bytes: TempFile, signal: AbortSignal): Promise<void> {
    for (const pause of this.timing.storageRetries) {
      try {
        return await this.#storeOnce(file, bytes, signal);
      } catch (error) {
        if (!(error instanceof ComfyUIError) || error.code !== 'storage_failed') throw error;
        this.#logger.warn(`${oneLine(file.filename)} cannot be stored yet: ${oneLine(error.message)}`);
      }
      await sleep(pause, signal);
    }
    return this.#storeOnce(file, bytes, signal);
  }

  /**
   * Puts the bytes of a file into the session of its job, for its holders. Calls for one file share one read.
   * @throws ComfyUIError `output_missing` when it was deleted, `storage_failed`
   */
  async hold(session: JobSession, file: CollectedFile, signal: AbortSignal): Promise<void> {
    const { assetId } = file;
    // Checked again after each wait: another caller may have begun to read.
    for (let other = this.#reading.get(assetId); other; other = this.#reading.get(assetId))
      await other.catch(() => undefined);
    if (session.holdsBytesOf(file)) return;
    const reading = this.#hold(session, file, signal).finally(() => this.#reading.delete(assetId));
    this.#reading.set(assetId, reading);
    await reading;
  }

  async #hold(session: JobSession, file: CollectedFile, signal: AbortSignal): Promise<void> {
    const stored = await this.#fromStorage(file, signal);
    const source = stored.bytes ? [stored.bytes] : (stored.stream as AsyncIterable<Buffer>);
    session.keep(file, await this.tempFiles.write(source, file.sizeBytes, file.sha256));
  }

  /**
   * The bytes of a file of a job, from the session or the storage.
   * @throws ComfyUIError `output_missing` when it was deleted, `storage_failed`
   */
  async open(session: JobSession, file: CollectedFile, signal: AbortSignal): Promise<Readable> {
    return session.holdsBytesOf(file) ? session.bytesOf(file).open() : (await this.#fromStorage(file, signal)).stream;
  }

  async #fromStorage({ sha256, filename }: CollectedFile, signal: AbortSignal): Promise<OpenedFile> {
    try {
      return await this.storage.open(sha256, { signal: ownSignal(signal) });
    } catch (error) {
      if (toComfyUIError(error).code !== 'not_found') throw error;
      throw new ComfyUIError('output_missing', `${filename} was deleted.`, { cause: error });
    }
  }

  async #storeOnce(file: CollectedFile, bytes: TempFile, signal: AbortSignal): Promise<void> {
    const { sha256, sizeBytes, mediaType } = file;
    const isNew = await this.#claim(sha256, signal);
    const where = { bytes: bytes.bytes, path: bytes.path, open: () => bytes.open() };
    await this.storage.put({ sha256, sizeBytes, mediaType, isNew, ...where }, ownSignal(signal));
  }

  /** Protects the file from removal. @returns whether no job is known to have stored it */
  async #claim(sha256: string, signal: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + this.timing.fileRemoval.longest;
    for (;;) {
      signal.throwIfAborted();
      const claim = await this.repository.claimFile(sha256, Date.now());
      if (claim !== 'leaving') return claim === 'new';
      if (Date.now() > deadline)
        throw new ComfyUIError('storage_failed', 'The same bytes are being removed from the storage for too long.');
      await sleep(this.timing.fileRemoval.poll, signal);
    }
  }
}

import type { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import type { CollectedFile } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import type { JobSession } from '../jobs/job-session';
import { ownSignal } from '../../shared/own-signal';
import { AssetStorage, type OpenedFile } from './asset-storage';
import { TempFiles, type TempFile } from './temp-files';
import { StoredFiles } from './stored-files';
import { sleep } from '../../shared/sleep';

/** The storage has tried again by itself what may pass in a moment; these are for what takes longer, ms. */
const PAUSES = [500, 1_500, 4_500];
/** The same bytes may be on their way out because nothing had them any more. */
const REMOVAL = { lookMs: 200, patienceMs: 120_000 } as const;

/** The bytes of what jobs made, on their way into the storage and out of it. */
@Injectable()
export class AssetFiles {
  readonly #logger = new Logger(AssetFiles.name);
  /** Files that are being read, by their asset's id. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly storage: AssetStorage,
    private readonly files: StoredFiles,
    private readonly tempFiles: TempFiles,
  ) {}

  /**
   * Resolves when the file survives a crash.
   * @throws ComfyUIError `storage_failed` after several tries
   */
  async store(file: CollectedFile, bytes: TempFile, signal: AbortSignal): Promise<void> {
    for (const pause of PAUSES) {
      try {
        return await this.#storeOnce(file, bytes, signal);
      } catch (error) {
        if (!(error instanceof ComfyUIError) || error.code !== 'storage_failed') throw error;
        this.#logger.warn(`${oneLine(file.filename)} can not be stored yet: ${oneLine(error.message)}`);
      }
      await sleep(pause, signal);
    }
    return this.#storeOnce(file, bytes, signal);
  }

  /**
   * Makes a job that somebody holds have the bytes of a file of its own.
   * @throws ComfyUIError `output_missing` when it was deleted, `storage_failed`
   */
  async hold(session: JobSession, file: CollectedFile, signal: AbortSignal): Promise<void> {
    await this.#underWay.get(file.assetId)?.catch(() => undefined);
    if (session.holdsBytesOf(file)) return;
    const holding = this.#hold(session, file, signal).finally(() => this.#underWay.delete(file.assetId));
    this.#underWay.set(file.assetId, holding);
    await holding;
  }

  async #hold(session: JobSession, file: CollectedFile, signal: AbortSignal): Promise<void> {
    const stored = await this.#fromStorage(file, signal);
    const source = stored.bytes ? [stored.bytes] : (stored.stream as AsyncIterable<Buffer>);
    session.keep(file, await this.tempFiles.write(source, file.sizeBytes, file.sha256));
  }

  /**
   * The bytes of a file of a job, from where they are nearest.
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

  /** @returns whether no job is known to have stored it */
  async #claim(sha256: string, signal: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + REMOVAL.patienceMs;
    for (;;) {
      signal.throwIfAborted();
      const claim = await this.files.claim(sha256, Date.now());
      if (claim !== 'leaving') return claim === 'new';
      if (Date.now() > deadline)
        throw new ComfyUIError('storage_failed', 'The same bytes are being removed from the storage, without an end.');
      await sleep(REMOVAL.lookMs, signal);
    }
  }
}

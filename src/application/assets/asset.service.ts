import type { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import type { Asset } from '../../domain/asset';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { hasEnded } from '../../domain/job/job';
import { JobService } from '../jobs/job.service';
import { AssetStorage, type OpenedFile, type Reading } from './asset-storage';
import { type AssetPage, type AssetQuery, AssetRepository } from './asset-repository';

/**
 * The files that jobs produced.
 * @publicApi
 */
@Injectable()
export class AssetService {
  readonly #logger = new Logger(AssetService.name);

  constructor(
    private readonly repository: AssetRepository,
    private readonly storage: AssetStorage,
    private readonly jobs: JobService,
  ) {}

  /** @throws ComfyUIError `not_found` */
  async find(id: string): Promise<Asset> {
    const asset = await this.repository.find(id);
    if (!asset) throw notFound();
    return asset;
  }

  /** Newest first. @throws ComfyUIError `invalid_request` for a cursor that is none */
  list(query: AssetQuery): Promise<AssetPage> {
    return this.repository.list(query);
  }

  /**
   * Deletes an asset; its file is removed later, when no asset has it. The job still lists the file.
   * @throws ComfyUIError `not_found`, `not_ended` while its job may still change its files
   */
  async remove(id: string): Promise<void> {
    const { jobId } = await this.find(id);
    const { job } = await this.jobs.find(jobId);
    if (!hasEnded(job))
      throw new ComfyUIError('not_ended', `The job that made it is ${job.status}: wait for its end, or cancel it.`, {
        jobId,
      });
    if (!(await this.repository.remove(id))) throw notFound();
    this.#logger.log(`Asset ${id} of job ${jobId} deleted`);
  }

  /**
   * The bytes of an asset.
   * @throws ComfyUIError `not_found` when the storage does not have them any more, `storage_failed`, `invalid_request` for a range beyond the end
   */
  async open({ file }: Asset, reading: Reading): Promise<OpenedFile> {
    const opened = await this.storage.open(file.sha256, reading).catch((error: unknown) => {
      throw toComfyUIError(error).code === 'not_found' ? missingBytes(error) : error;
    });
    if (opened.sizeBytes === file.sizeBytes) return opened;
    opened.stream.on('error', () => undefined).destroy();
    const message = `The storage has ${opened.sizeBytes} bytes of a file of ${file.sizeBytes}: it was changed there.`;
    throw new ComfyUIError('storage_failed', message);
  }

  /** All bytes of an asset, see {@link open}. */
  async stream(asset: Asset, signal: AbortSignal): Promise<Readable> {
    return (await this.open(asset, { signal })).stream;
  }
}

function notFound(): ComfyUIError {
  return new ComfyUIError('not_found', 'There is no asset with this id.');
}

function missingBytes(cause: unknown): ComfyUIError {
  return new ComfyUIError('not_found', 'The file is not in the storage any more: it was deleted there.', { cause });
}

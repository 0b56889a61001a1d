import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { currentAttempt, isCollectable, type Job } from '../../domain/job/job';
import { Backend } from '../backends/backend';
import { BackendPool } from '../backends/backend-pool';
import { ShutdownState } from '../maintenance/shutdown-state';
import { JobWriter } from '../jobs/job-writer';
import type { JobSession } from '../jobs/job-session';
import { JobRegistry } from '../jobs/job-registry';
import { OutputCollector } from './output-collector';
import { OutputFetcher } from './output-fetcher';
import { ownSignal } from '../../shared/own-signal';
import { SingleFlight } from '../../shared/single-flight';
import type { HistoryRecord } from '../backends/comfyui-client';

/**
 * Collects the files of jobs that ran and whose files could not be stored, without running them again.
 * @publicApi
 */
@Injectable()
export class OutputRecovery {
  readonly #logger = new Logger(OutputRecovery.name);
  readonly #collecting = new SingleFlight<string, Job>();

  constructor(
    private readonly registry: JobRegistry,
    private readonly pool: BackendPool,
    private readonly fetcher: OutputFetcher,
    private readonly writer: JobWriter,
    private readonly shutdown: ShutdownState,
  ) {}

  /**
   * Resolves with the job, which then succeeded. Calls for one job share one run.
   * @throws ComfyUIError `not_found`; `not_collectable` unless it failed with `storage_failed`; `output_missing` when ComfyUI
   * does not have it any more; the error of its backend; `storage_failed` again
   */
  collect(id: string): Promise<Job> {
    return this.#collecting.join(id, () => this.#collect(id));
  }

  async #collect(id: string): Promise<Job> {
    const session = await this.registry.open(id);
    if (!session) throw new ComfyUIError('not_found', 'There is no job with this id.');
    try {
      if (!isCollectable(session.job)) throw notCollectable(session.job);
      const backend = this.#backendOf(session.job);
      const collector = new OutputCollector(this.fetcher, backend.client, session, () => undefined, this.shutdown.over);
      for (const [nodeId, output] of (await this.#history(session, backend)).outputs) collector.observe(nodeId, output);
      const outputs = await collector.files();
      await this.writer.commit(session, { kind: 'recovered', outputs, texts: collector.texts() });
      this.#logger.log(`Job ${id} succeeded after recovery, with ${outputs.length} files`);
      return session.job;
    } catch (error) {
      throw toComfyUIError(error).forJob(id);
    } finally {
      session.release();
    }
  }

  #backendOf(job: Job): Backend {
    const backend = this.pool.find(currentAttempt(job)?.backend ?? '');
    if (backend) return backend;
    throw missing('The ComfyUI server that has the files is not configured any more.');
  }

  async #history({ job }: JobSession, backend: Backend): Promise<HistoryRecord> {
    const promptId = currentAttempt(job)?.promptId ?? job.id;
    const found = await backend.use((client) => client.find(promptId, ownSignal(this.shutdown.over)));
    if (found.state === 'finished') return found.record;
    throw missing('ComfyUI does not know any more which files it produced.');
  }
}

function notCollectable({ status, error }: Job): ComfyUIError {
  const state = error ? `${status} with ${error.code}` : status;
  return new ComfyUIError(
    'not_collectable',
    `Only a job that failed with storage_failed can be collected again; this one is ${state}.`,
  );
}

function missing(message: string): ComfyUIError {
  return new ComfyUIError('output_missing', message);
}

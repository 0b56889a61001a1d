import { Injectable } from '@nestjs/common';
import { ComfyUIError } from '../domain/errors';
import type { ActiveJob } from '../domain/job/active-job';
import { type CollectedFile, currentAttempt, hasEnded, type Job } from '../domain/job/job';
import { BackendPool } from './backends/backend-pool';
import { Dispatcher } from './dispatcher';
import { GenerationResult } from './generation-result';
import { type GenerationRequest, JobIntake } from './job-intake';
import type { LiveJob } from './live-job';
import { OutputFetcher } from './output-fetcher';

export interface WaitOptions {
  /** How long to wait, seconds; default: as long as it takes. The job goes on after a time-out. */
  readonly timeoutSeconds?: number;
  /** Stops waiting. */
  readonly signal?: AbortSignal;
}

/** Runs workflows as jobs. */
@Injectable()
export class GenerationService {
  constructor(
    private readonly intake: JobIntake,
    private readonly dispatcher: Dispatcher,
    private readonly pool: BackendPool,
    private readonly fetcher: OutputFetcher,
  ) {}

  /**
   * Stores a job and returns it. The caller holds it, and lets go with `release()`.
   * @throws ComfyUIError `invalid_request`, `queue_full`, `idempotency_mismatch`, `storage_failed`, `shutting_down`
   */
  submit(request: GenerationRequest): Promise<LiveJob> {
    return this.intake.take(request);
  }

  /**
   * Runs a workflow and waits for its files. Call `discard()` on the result when their bytes are used.
   * @throws ComfyUIError whatever {@link submit} and {@link result} do
   */
  async generate(request: GenerationRequest, wait: WaitOptions = {}): Promise<GenerationResult> {
    const live = await this.submit({ whenUnreachable: 'refuse', ...request });
    try {
      return await this.result(live, wait);
    } catch (error) {
      live.release();
      throw error;
    }
  }

  /**
   * Waits for a job's files. Bytes that nobody held when the job ended are fetched again.
   * @throws ComfyUIError the job's own error, or `timeout`, `shutting_down`: then it goes on
   */
  async result(live: LiveJob, { timeoutSeconds, signal }: WaitOptions = {}): Promise<GenerationResult> {
    const job = await live.ended(timeoutSeconds === undefined ? Infinity : timeoutSeconds * 1000, signal);
    if (job.error) throw job.error;
    await Promise.all(job.outputs.map((file) => this.#load(live, file, signal)));
    return new GenerationResult(live);
  }

  /**
   * Stores a job and hands it to ComfyUI at once when a place is free; nobody waits for its run.
   * @returns the job as ComfyUI took it, or without `acceptance` when it has to wait
   * @throws ComfyUIError as {@link submit}, and what ComfyUI refused it with
   */
  async enqueue(request: GenerationRequest): Promise<Job> {
    const live = await this.submit(request);
    try {
      await this.dispatcher.dispatch();
      const job = await live.until(isDecided);
      if (job.error && !job.acceptance) throw job.error;
      return job;
    } finally {
      live.release();
    }
  }

  async #load(live: LiveJob, file: CollectedFile, signal?: AbortSignal): Promise<void> {
    if (live.holdsBytesOf(file)) return;
    const { id } = live.job;
    const backend = this.pool.find(currentAttempt(live.job)?.backend ?? '');
    if (!backend)
      throw new ComfyUIError('output_missing', 'The server that has the files is not configured any more.', {
        jobId: id,
      });
    const fetched = await this.fetcher.fetch(backend.client, file, signal ?? new AbortController().signal);
    live.keep(file, fetched.bytes);
  }
}

/** Whether ComfyUI took it, refused it, or it waits for a place. */
function isDecided(job: ActiveJob): boolean {
  return job.acceptance !== undefined || job.backend === null || hasEnded(job);
}

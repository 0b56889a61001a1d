import { Injectable } from '@nestjs/common';
import type { JobState } from '../../domain/job/job-state';
import { hasEnded, type Job } from '../../domain/job/job';
import { FileDelivery } from '../assets/file-delivery';
import { Scheduler } from '../execution/scheduler';
import { ShutdownState } from '../maintenance/shutdown-state';
import { Generation, type WaitOptions } from './generation';
import type { GenerationResult } from './generation-result';
import type { GenerationRequest } from './job-request';
import type { JobSession } from './job-session';
import { JobSubmission } from './job-submission';
import { JobSync } from './job-sync';

/**
 * Runs workflows as jobs.
 * @publicApi
 * @example
 * const result = await generation.generate({ workflow }, { timeoutSeconds: 300 });
 * try {
 *   await writeFile('image.png', result.images[0].stream());
 * } finally {
 *   result.discard();
 * }
 */
@Injectable()
export class GenerationService {
  constructor(
    private readonly submission: JobSubmission,
    private readonly scheduler: Scheduler,
    private readonly delivery: FileDelivery,
    private readonly sync: JobSync,
    private readonly shutdown: ShutdownState,
  ) {}

  /**
   * Stores a job and returns it, held for the caller until `release()`.
   * @throws ComfyUIError `invalid_request`, `queue_full`, `idempotency_mismatch`, `storage_failed`, `shutting_down`
   */
  async submit(request: GenerationRequest): Promise<JobSession> {
    this.shutdown.refuseNew();
    return this.submission.submit(request);
  }

  /**
   * Runs a workflow and waits for its files. Call `discard()` on the result when their bytes are used.
   * @throws ComfyUIError as {@link submit} and {@link result}
   */
  async generate(request: GenerationRequest, wait: WaitOptions = {}): Promise<GenerationResult> {
    const { whenUnreachable = 'refuse' } = request;
    const session = await this.submit({ ...request, whenUnreachable });
    const generation = this.attach(session, { whenUnreachable, ...wait });
    try {
      return await generation.result();
    } catch (error) {
      generation.end();
      throw error;
    }
  }

  /**
   * Waits for a job's files. Bytes that were not held when the job ended come from the storage.
   * @throws ComfyUIError the job's own error, or `timeout`, `shutting_down`, `backend_unreachable` with `refuse`: then it goes on
   */
  result(session: JobSession, wait: WaitOptions = {}): Promise<GenerationResult> {
    return this.attach(session, wait).result();
  }

  /** A caller that waits for the result of a job; takes over the hold on the session. */
  attach(session: JobSession, wait: WaitOptions): Generation {
    return new Generation(session, wait, this.delivery);
  }

  /**
   * Stores a job and submits it to ComfyUI at once when a slot is free, without waiting for its run.
   * @returns the job as ComfyUI accepted it, or without `acceptance` when it has to wait
   * @throws ComfyUIError as {@link submit}, and the error of a ComfyUI that refused the workflow
   */
  async enqueue(request: GenerationRequest): Promise<Job> {
    const session = await this.submit(request);
    try {
      await this.scheduler.run();
      await this.sync.untilClaimed(session);
      const job = await session.until(isDecided);
      if (job.error && !job.acceptance) throw job.error;
      return job;
    } finally {
      session.release();
    }
  }
}

/** Whether ComfyUI accepted it, refused it, or it waits for a slot. */
function isDecided(job: JobState): boolean {
  return job.acceptance !== undefined || job.backend === null || hasEnded(job);
}

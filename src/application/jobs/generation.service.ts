import { Injectable } from '@nestjs/common';
import type { JobState } from '../../domain/job/job-state';
import { hasEnded, type Job } from '../../domain/job/job';
import { AssetFiles } from '../assets/asset-files';
import { Scheduler } from '../execution/scheduler';
import { GenerationResult } from './generation-result';
import { type GenerationRequest, JobSubmission } from './job-submission';
import type { JobSession, WhenUnreachable } from './job-session';
import { ProcessRole } from '../execution/process-role';

export interface WaitOptions {
  /** How long to wait, seconds; default: as long as it takes. The job goes on after a time-out. */
  readonly timeoutSeconds?: number;
  /** Stops waiting. */
  readonly signal?: AbortSignal;
  /** Whether to wait for a server when none can be reached any more; default `queue`. */
  readonly whenUnreachable?: WhenUnreachable;
}

/** Runs workflows as jobs. */
@Injectable()
export class GenerationService {
  constructor(
    private readonly submission: JobSubmission,
    private readonly scheduler: Scheduler,
    private readonly files: AssetFiles,
    private readonly role: ProcessRole,
  ) {}

  /**
   * Stores a job and returns it. The caller holds it, and lets go with `release()`.
   * @throws ComfyUIError `invalid_request`, `queue_full`, `idempotency_mismatch`, `storage_failed`, `shutting_down`
   */
  submit(request: GenerationRequest): Promise<JobSession> {
    return this.submission.take(request);
  }

  /**
   * Runs a workflow and waits for its files. Call `discard()` on the result when their bytes are used.
   * @throws ComfyUIError whatever {@link submit} and {@link result} do
   */
  async generate(request: GenerationRequest, wait: WaitOptions = {}): Promise<GenerationResult> {
    const { whenUnreachable = 'refuse' } = request;
    const session = await this.submit({ ...request, whenUnreachable });
    try {
      return await this.result(session, { whenUnreachable, ...wait });
    } catch (error) {
      session.release();
      throw error;
    }
  }

  /**
   * Waits for a job's files. Bytes that nobody held when the job ended come from the storage.
   * @throws ComfyUIError the job's own error, or `timeout`, `shutting_down`, `backend_unreachable` with `refuse`: then it goes on
   */
  async result(
    session: JobSession,
    { timeoutSeconds = Infinity, signal, whenUnreachable }: WaitOptions = {},
  ): Promise<GenerationResult> {
    const job = await session.ended(timeoutSeconds * 1000, signal, whenUnreachable);
    if (job.error) throw job.error;
    const reading = signal ?? new AbortController().signal;
    await Promise.all(job.outputs.map((file) => this.files.hold(session, file, reading)));
    return new GenerationResult(session);
  }

  /**
   * Stores a job and hands it to ComfyUI at once when a place is free; nobody waits for its run.
   * @returns the job as ComfyUI took it, or without `acceptance` when it has to wait
   * @throws ComfyUIError as {@link submit}, and what ComfyUI refused it with
   */
  async enqueue(request: GenerationRequest): Promise<Job> {
    const session = await this.submit(request);
    try {
      await this.scheduler.dispatch();
      const job = await this.#decided(session);
      if (job.error && !job.acceptance) throw job.error;
      return job;
    } finally {
      session.release();
    }
  }

  /** Another process may have a place for it: that is waited for a moment. */
  async #decided(session: JobSession): Promise<JobState> {
    if (!this.role.isSingleProcess)
      await session.until(isTaken, AbortSignal.timeout(TAKEN_ELSEWHERE_MS)).catch(() => undefined);
    return session.until(isDecided);
  }
}

const TAKEN_ELSEWHERE_MS = 500;

function isTaken(job: JobState): boolean {
  return job.acceptance !== undefined || hasEnded(job);
}

/** Whether ComfyUI took it, refused it, or it waits for a place. */
function isDecided(job: JobState): boolean {
  return job.acceptance !== undefined || job.backend === null || hasEnded(job);
}

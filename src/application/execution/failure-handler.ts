import { Inject, Injectable } from '@nestjs/common';
import { BackendError, ComfyUIError, toComfyUIError } from '../../domain/errors';
import { isDeviceFault } from '../../domain/job/execution-failure';
import type { Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { advance, type JobState } from '../../domain/job/job-state';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { Timing } from '../../options/timing';
import { sleep } from '../../shared/sleep';
import type { Backend } from '../backends/backend';
import { PromptSweeper } from '../backends/prompt-sweeper';
import type { JobSession } from '../jobs/job-session';
import { ShutdownState } from '../maintenance/shutdown-state';
import type { AttemptContext } from './attempt-execution';

/** A job that is assigned so often and never starts gets no more tries. */
const MAX_ASSIGNMENTS = 30;

/** Decides what happens to a job whose attempt failed, and cleans up after it. */
@Injectable()
export class FailureHandler {
  constructor(
    private readonly sweeper: PromptSweeper,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
    private readonly timing: Timing,
    private readonly shutdown: ShutdownState,
  ) {}

  /** The change that the error of an attempt makes. Never rejects. */
  async consequence({ session, backend }: AttemptContext, thrown: unknown): Promise<JobChange> {
    const { job } = session;
    const error = toComfyUIError(thrown).forJob(job.id);
    const backendError = thrown instanceof BackendError ? thrown : undefined;
    const mayBeThere = error.code === 'expired' || backendError?.neverSent === false;
    if (backendError && !job.cancelRequested) await backend.reportError(backendError);
    if (mayBeThere) await this.#abandon(session, backend);
    if (error.code === 'expired') return { kind: 'expired', error };
    if (error.code === 'canceled' || (backendError && job.cancelRequested)) return canceled(job);
    if (mayRunAgain(job, thrown) && this.#hasAttemptsLeft(job, error)) {
      await this.#prepare(backend, error);
      return { kind: 'requeued', error };
    }
    return { kind: 'failed', error };
  }

  /** Removes an ended job from ComfyUI's history, where that is configured. Does not wait. */
  forget(backend: Backend, job: Job): void {
    void this.sweeper.forget(backend, job);
  }

  /** The prompt must not run: it is canceled now, or when it is found. */
  async #abandon({ job }: JobSession, backend: Backend): Promise<void> {
    const { id: jobId, attempts } = job;
    const promptId = attempts.at(-1)?.promptId ?? jobId;
    await this.sweeper.abandon({ promptId, backend: backend.url, jobId, abandonedAt: Date.now() });
    if (backend.isUsable) void this.sweeper.sweep(backend);
  }

  #hasAttemptsLeft(job: JobState, error: ComfyUIError): boolean {
    const { attempts, fencingToken } = advance(job, { kind: 'requeued', error }, Date.now());
    return attempts.length < this.options.maxAttempts && fencingToken < 2 * MAX_ASSIGNMENTS;
  }

  /** Frees memory for the next attempt, or makes ComfyUI forget a cached file that is gone. */
  async #prepare(backend: Backend, error: ComfyUIError): Promise<void> {
    if (isDeviceFault(error))
      await backend.reportError(new BackendError('backend_error', error.message, { cause: error }));
    if (error.code !== 'out_of_memory' && error.code !== 'output_missing') return;
    await backend.use((client) => client.freeMemory(this.shutdown.over)).catch(() => undefined);
    await sleep(this.timing.freeMemory, this.shutdown.over);
  }
}

/**
 * A failed backend, a broken device, memory that ran out once, or a file that ComfyUI only remembered from an earlier run:
 * another attempt may succeed. A node that failed would fail again.
 */
function mayRunAgain(job: JobState, thrown: unknown): boolean {
  if (thrown instanceof BackendError) return true;
  if (!(thrown instanceof ComfyUIError)) return false;
  switch (thrown.code) {
    case 'output_missing':
      return job.run.cached.has(String(thrown.details?.nodeId)) && !failedBefore(job, thrown.code);
    case 'out_of_memory':
      return !failedBefore(job, thrown.code);
    default:
      return isDeviceFault(thrown);
  }
}

function failedBefore(job: Job, code: string): boolean {
  return job.attempts.some(({ error }) => error?.code === code);
}

export function canceled({ id }: Job): JobChange {
  return { kind: 'canceled', error: new ComfyUIError('canceled', 'The job was canceled.', { jobId: id }) };
}

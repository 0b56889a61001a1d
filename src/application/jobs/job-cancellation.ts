import { Injectable } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';
import { hasEnded, type Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { JobExecutor } from '../execution/job-executor';
import { JobEventBus } from './job-event-bus';
import { JobRegistry } from './job-registry';
import { JobRepository } from './job-repository';
import type { JobSession } from './job-session';
import { JobWriter } from './job-writer';

/** A job moves on a few times at most while it is being canceled. */
const TRIES = 20;

/** Cancels jobs: at once where they wait, else through the process that runs them. */
@Injectable()
export class JobCancellation {
  constructor(
    private readonly registry: JobRegistry,
    private readonly repository: JobRepository,
    private readonly writer: JobWriter,
    private readonly executor: JobExecutor,
    private readonly bus: JobEventBus,
  ) {}

  /** Resolves when the job has ended or its cancellation is noted. @throws ComfyUIError `storage_failed` */
  async cancel(session: JobSession): Promise<void> {
    for (let tries = 0; tries < TRIES && !isSettled(session.job); tries += 1) {
      const runsElsewhere = session.job.backend !== null && !session.isRunning;
      const isDone = runsElsewhere ? await this.#cancelElsewhere(session) : await this.#cancelHere(session);
      if (isDone) return;
      // Another write moved the job on.
      await this.registry.refresh(session);
    }
  }

  async #cancelHere(session: JobSession): Promise<boolean> {
    const isChanged = await this.writer.commit(session, cancellationOf);
    if (isChanged && session.job.cancelRequested) this.executor.cancel(session.job.id);
    return isChanged;
  }

  async #cancelElsewhere(session: JobSession): Promise<boolean> {
    const { id } = session.job;
    const isNoted = await this.repository.requestCancellation(id);
    if (!isNoted) return false;
    session.change({ kind: 'cancel-requested' });
    this.bus.publishCancellation(id);
    return true;
  }
}

function isSettled(job: Job): boolean {
  return hasEnded(job) || job.cancelRequested;
}

/** A waiting job ends at once. */
function cancellationOf(job: Job): JobChange | undefined {
  if (job.cancelRequested) return undefined;
  if (job.backend !== null) return { kind: 'cancel-requested' };
  const error = new ComfyUIError('canceled', 'The job was canceled.', { jobId: job.id });
  return { kind: 'canceled', error };
}

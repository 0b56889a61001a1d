import { Injectable } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';
import { hasEnded, type Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { JobWriter } from './job-writer';
import { JobExecutor } from '../execution/job-executor';
import type { JobSession } from './job-session';
import { JobRegistry } from './job-registry';
import { JobCancels } from './job-cancels';
import { JobEventBus } from './job-event-bus';

/** A job is moved on a few times at most while somebody tries to cancel it. */
const TRIES = 20;

/** Cancels jobs wherever they are: at once where they wait, else by whoever runs them. */
@Injectable()
export class JobCancellation {
  constructor(
    private readonly registry: JobRegistry,
    private readonly writer: JobWriter,
    private readonly executor: JobExecutor,
    private readonly cancels: JobCancels,
    private readonly news: JobEventBus,
  ) {}

  /** Resolves when the job has ended, or its cancelation is noted. @throws ComfyUIError `storage_failed` */
  async cancel(session: JobSession): Promise<void> {
    for (let tries = 0; tries < TRIES && !isSettled(session.job); tries += 1) {
      const isDone = isElsewhere(session) ? await this.#cancelElsewhere(session) : await this.#cancelHere(session);
      if (isDone) return;
      // Somebody else moved it on.
      await this.registry.renew(session);
    }
  }

  async #cancelHere(session: JobSession): Promise<boolean> {
    const isChanged = await this.writer.commit(session, cancellation);
    if (isChanged && session.job.cancelRequested) this.executor.cancel(session.job.id);
    return isChanged;
  }

  async #cancelElsewhere(session: JobSession): Promise<boolean> {
    const { id } = session.job;
    const isNoted = await this.cancels.request(id);
    if (!isNoted) return false;
    session.change({ kind: 'cancel-requested' });
    this.news.askToCancel(id);
    return true;
  }
}

function isSettled(job: Job): boolean {
  return hasEnded(job) || job.cancelRequested;
}

function isElsewhere({ job, isRunning }: JobSession): boolean {
  return job.backend !== null && !isRunning;
}

/** Where it waits nobody has to be asked. */
function cancellation(job: Job): JobChange | undefined {
  if (job.cancelRequested) return undefined;
  if (job.backend !== null) return { kind: 'cancel-requested' };
  const error = new ComfyUIError('canceled', 'The job was canceled.', { jobId: job.id });
  return { kind: 'canceled', error };
}

import { Injectable } from '@nestjs/common';
import { ComfyUIError } from '../domain/errors';
import { hasEnded, type Job } from '../domain/job/job';
import type { JobChange } from '../domain/job/job-change';
import { JobRecorder } from './job-recorder';
import { JobRunner } from './job-runner';
import type { LiveJob } from './live-job';
import { LiveJobs } from './live-jobs';
import { JobCancels } from './ports/job-cancels';
import { JobNews } from './ports/job-news';

/** A job is moved on a few times at most while somebody tries to cancel it. */
const TRIES = 20;

/** Cancels jobs wherever they are: at once where they wait, else by whoever runs them. */
@Injectable()
export class JobCancelation {
  constructor(
    private readonly lives: LiveJobs,
    private readonly recorder: JobRecorder,
    private readonly runner: JobRunner,
    private readonly cancels: JobCancels,
    private readonly news: JobNews,
  ) {}

  /** Resolves when the job has ended, or its cancelation is noted. @throws ComfyUIError `storage_failed` */
  async cancel(live: LiveJob): Promise<void> {
    for (let tries = 0; tries < TRIES && !isSettled(live.job); tries += 1) {
      const isDone = isElsewhere(live) ? await this.#cancelElsewhere(live) : await this.#cancelHere(live);
      if (isDone) return;
      // Somebody else moved it on.
      await this.lives.renew(live);
    }
  }

  async #cancelHere(live: LiveJob): Promise<boolean> {
    const isChanged = await this.recorder.commit(live, cancelation);
    if (isChanged && live.job.cancelRequested) this.runner.cancel(live.job.id);
    return isChanged;
  }

  async #cancelElsewhere(live: LiveJob): Promise<boolean> {
    const { id } = live.job;
    const isNoted = await this.cancels.request(id);
    if (!isNoted) return false;
    live.change({ kind: 'cancel-requested' });
    this.news.askToCancel(id);
    return true;
  }
}

function isSettled(job: Job): boolean {
  return hasEnded(job) || job.cancelRequested;
}

function isElsewhere({ job, isRunning }: LiveJob): boolean {
  return job.backend !== null && !isRunning;
}

/** Where it waits nobody has to be asked. */
function cancelation(job: Job): JobChange | undefined {
  if (job.cancelRequested) return undefined;
  if (job.backend !== null) return { kind: 'cancel-requested' };
  const error = new ComfyUIError('canceled', 'The job was canceled.', { jobId: job.id });
  return { kind: 'canceled', error };
}

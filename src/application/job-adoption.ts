import { Injectable } from '@nestjs/common';
import { BackendFault } from '../domain/errors';
import type { Backend } from './backends/backend';
import { JobRecorder } from './job-recorder';
import { JobRunner } from './job-runner';
import type { LiveJob } from './live-job';
import { LiveJobs } from './live-jobs';
import { JobBacklog } from './ports/job-backlog';
import type { Lease } from './ports/leases';

/** Takes up what another process, or the one before, had handed to servers. */
@Injectable()
export class JobAdoption {
  constructor(
    private readonly backlog: JobBacklog,
    private readonly lives: LiveJobs,
    private readonly runner: JobRunner,
    private readonly recorder: JobRecorder,
  ) {}

  /**
   * The jobs of a server that is driven here from now on.
   * @param begin called when they are known, before the first of them is touched
   */
  async adopt(backend: Backend, begin: () => void): Promise<void> {
    const lives = await this.#open(backend.url);
    begin();
    for (const live of lives) {
      this.runner.adopt(live, backend);
      live.release();
    }
  }

  /** Jobs that this process handed to a server and does not know it: the database did it, and its answer was lost. */
  async adoptUnknown(backend: Backend): Promise<void> {
    for (const { id } of await this.backlog.handedTo(backend.url)) {
      const known = this.lives.peek(id);
      if (known?.isRunning || known?.isHanding) continue;
      const live = await this.lives.openToRun(id);
      if (live?.job.backend === backend.url && !live.isRunning) this.runner.adopt(live, backend);
      live?.release();
    }
  }

  /** The jobs of a server that is not configured any more: they go back to the queue. */
  async takeBack(lease: Lease): Promise<void> {
    const message = `The server ${lease.backend} is not configured any more.`;
    const error = new BackendFault('backend_lost', message);
    for (const live of await this.#open(lease.backend)) {
      await this.recorder.settle(live, { kind: 'returned', error }, lease).finally(() => live.release());
    }
  }

  async #open(backend: string): Promise<LiveJob[]> {
    const lives: LiveJob[] = [];
    try {
      for (const { id } of await this.backlog.handedTo(backend)) {
        const live = await this.lives.openToRun(id);
        if (live?.job.backend === backend) lives.push(live);
        else live?.release();
      }
      return lives;
    } catch (error) {
      for (const live of lives) live.release();
      throw error;
    }
  }
}

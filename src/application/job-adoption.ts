import { Injectable, type OnModuleInit } from '@nestjs/common';
import { BackendFault } from '../domain/errors';
import { BackendPool } from './backends/backend-pool';
import { JobRecorder } from './job-recorder';
import { JobRunner } from './job-runner';
import { LiveJobs } from './live-jobs';
import { JobQueue } from './ports/job-queue';

/** At a start, takes up what the process before had handed to servers, before anything else gets their places. */
@Injectable()
export class JobAdoption implements OnModuleInit {
  constructor(
    private readonly queue: JobQueue,
    private readonly pool: BackendPool,
    private readonly lives: LiveJobs,
    private readonly runner: JobRunner,
    private readonly recorder: JobRecorder,
  ) {}

  async onModuleInit(): Promise<void> {
    for (const { id } of await this.queue.handedOver()) await this.#adopt(id);
  }

  async #adopt(jobId: string): Promise<void> {
    const live = await this.lives.open(jobId);
    if (!live) return;
    const backend = this.pool.find(live.job.backend ?? '');
    if (backend) this.runner.adopt(live, backend);
    else {
      const message = `The server ${live.job.backend} is not configured any more.`;
      await this.recorder.settle(live, { kind: 'returned', error: new BackendFault('backend_lost', message) });
      this.pool.bell.announce();
    }
    live.release();
  }
}

import { Injectable } from '@nestjs/common';
import { BackendError } from '../../domain/errors';
import type { Backend } from '../backends/backend';
import { JobWriter } from '../jobs/job-writer';
import { JobExecutor } from './job-executor';
import type { JobSession } from '../jobs/job-session';
import { JobRegistry } from '../jobs/job-registry';
import { JobBacklog } from '../jobs/job-backlog';
import type { Lease } from '../backends/lease-repository';

/** Takes up what another process, or the one before, had handed to servers. */
@Injectable()
export class JobRecovery {
  constructor(
    private readonly backlog: JobBacklog,
    private readonly registry: JobRegistry,
    private readonly executor: JobExecutor,
    private readonly writer: JobWriter,
  ) {}

  /**
   * The jobs of a server that is driven here from now on.
   * @param begin called when they are known, before the first of them is touched
   */
  async adopt(backend: Backend, begin: () => void): Promise<void> {
    const registry = await this.#open(backend.url);
    begin();
    for (const session of registry) {
      this.executor.adopt(session, backend);
      session.release();
    }
  }

  /** Jobs that this process handed to a server and does not know it: the database did it, and its answer was lost. */
  async adoptUnknown(backend: Backend): Promise<void> {
    for (const { id } of await this.backlog.handedTo(backend.url)) {
      const known = this.registry.peek(id);
      if (known?.isRunning || known?.isHanding) continue;
      const session = await this.registry.openToRun(id);
      if (session?.job.backend === backend.url && !session.isRunning) this.executor.adopt(session, backend);
      session?.release();
    }
  }

  /** The jobs of a server that is not configured any more: they go back to the queue. */
  async takeBack(lease: Lease): Promise<void> {
    const message = `The server ${lease.backend} is not configured any more.`;
    const error = new BackendError('backend_lost', message);
    for (const session of await this.#open(lease.backend)) {
      await this.writer.settle(session, { kind: 'requeued', error }, lease).finally(() => session.release());
    }
  }

  async #open(backend: string): Promise<JobSession[]> {
    const registry: JobSession[] = [];
    try {
      for (const { id } of await this.backlog.handedTo(backend)) {
        const session = await this.registry.openToRun(id);
        if (session?.job.backend === backend) registry.push(session);
        else session?.release();
      }
      return registry;
    } catch (error) {
      for (const session of registry) session.release();
      throw error;
    }
  }
}

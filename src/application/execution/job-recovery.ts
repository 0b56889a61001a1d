import { Injectable } from '@nestjs/common';
import { BackendError } from '../../domain/errors';
import type { Job } from '../../domain/job/job';
import type { Backend } from '../backends/backend';
import { BackendPool } from '../backends/backend-pool';
import type { Lease } from '../backends/lease-repository';
import { JobRegistry } from '../jobs/job-registry';
import { JobRepository } from '../jobs/job-repository';
import type { JobSession } from '../jobs/job-session';
import { JobWriter } from '../jobs/job-writer';
import { JobExecutor } from './job-executor';

/** Resumes the jobs that another process, or an earlier one, assigned to backends. */
@Injectable()
export class JobRecovery {
  constructor(
    private readonly repository: JobRepository,
    private readonly registry: JobRegistry,
    private readonly executor: JobExecutor,
    private readonly writer: JobWriter,
    private readonly pool: BackendPool,
  ) {}

  /**
   * Resumes the jobs of a backend whose lease this process just acquired.
   * @param begin called when they are known, before the first of them is resumed
   */
  async resume(backend: Backend, begin: () => void): Promise<void> {
    const sessions = await this.#openAssigned(backend.url);
    begin();
    for (const session of sessions) {
      this.executor.resume(session, backend);
      session.release();
    }
  }

  /**
   * Resumes jobs of this process's backends that do not run here: their assignment was stored and its response was lost, or
   * their run could not begin.
   * @param withStrays also looks for jobs of backends that are not configured any more
   * @returns the URLs of such backends
   */
  async recover(withStrays: boolean): Promise<string[]> {
    const held = this.pool.backends.filter(({ lease }) => lease.isHeld).map(({ url }) => url);
    const query = withStrays ? { kind: 'assigned' as const } : { kind: 'assigned' as const, backends: held };
    const jobs = await this.repository.open(query);
    for (const job of jobs) if (!this.executor.owns(job.id)) await this.#resumeUnknown(job);
    const strays = jobs.map(({ backend }) => backend ?? '').filter((url) => !this.pool.find(url));
    return withStrays ? [...new Set(strays)] : [];
  }

  /** Returns the jobs of a backend that is not configured any more to the queue. */
  async requeue(lease: Lease): Promise<void> {
    const message = `The server ${lease.backend} is not configured any more.`;
    const error = new BackendError('backend_lost', message);
    for (const session of await this.#openAssigned(lease.backend))
      await this.writer.settle(session, { kind: 'requeued', error }, lease).finally(() => session.release());
  }

  async #resumeUnknown({ id, backend: url }: Job): Promise<void> {
    const backend = this.pool.find(url ?? '');
    if (!backend?.lease.isHeld) return;
    const session = await this.registry.openStored(id);
    if (session?.job.backend === url && !this.executor.owns(id)) this.executor.resume(session, backend);
    session?.release();
  }

  async #openAssigned(backend: string): Promise<JobSession[]> {
    const sessions: JobSession[] = [];
    try {
      for (const { id } of await this.repository.open({ kind: 'assigned', backends: [backend] })) {
        const session = await this.registry.openStored(id);
        if (session?.job.backend === backend) sessions.push(session);
        else session?.release();
      }
      return sessions;
    } catch (error) {
      for (const session of sessions) session.release();
      throw error;
    }
  }
}

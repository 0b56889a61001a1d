import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { Timing } from '../../options/timing';
import { oneLine } from '../../shared/text';
import { JobRecovery } from '../execution/job-recovery';
import { PeriodicTasks } from '../maintenance/periodic-tasks';
import type { Backend } from './backend';
import { BackendPool } from './backend-pool';
import { type Lease, LeaseRepository } from './lease-repository';

/**
 * Divides the backends among the processes that run jobs: each acquires its share and what other processes leave, and releases
 * what exceeds its share as soon as that is idle.
 */
@Injectable()
export class LeaseManager {
  readonly #logger = new Logger(LeaseManager.name);
  readonly #holder = randomUUID();
  #renewedAt = -Infinity;
  #isShuttingDown = false;
  #isFailing = false;

  constructor(
    private readonly repository: LeaseRepository,
    private readonly pool: BackendPool,
    private readonly recovery: JobRecovery,
    private readonly tasks: PeriodicTasks,
    private readonly timing: Timing,
  ) {}

  /** Acquires leases, and resumes the jobs that an earlier process assigned before anything else takes their slots. */
  async open(): Promise<void> {
    await this.#round();
  }

  start(): void {
    this.tasks.start({
      failure: 'Leases cannot be renewed now',
      interval: this.timing.lease.release,
      run: async () => {
        const isDue = performance.now() - this.#renewedAt >= this.timing.lease.renew;
        if (isDue || this.#held().some(isAwaited)) await this.#round();
      },
    });
  }

  /** From now on no backend is acquired. */
  beginShutdown(): void {
    this.#isShuttingDown = true;
  }

  /** Releases all leases, for other processes to take at once. Never rejects. */
  async close(): Promise<void> {
    for (const backend of this.pool.backends) backend.lease.end();
    await this.repository.release(this.#holder).catch((error: unknown) => this.#logOnce(error));
  }

  async #round(): Promise<void> {
    this.#renewedAt = performance.now();
    try {
      const { share, holders } = await this.#renew();
      await this.#releaseExcess(share);
      if (!this.#isShuttingDown) await this.#acquireMore(share, holders);
      if (!this.#isShuttingDown) await this.#recoverJobs();
      this.#isFailing = false;
    } catch (error) {
      this.#logOnce(error);
    }
  }

  async #renew(): Promise<{ readonly share: number; readonly holders: number }> {
    const requestedAt = performance.now();
    const { leases, holders } = await this.repository.renew(this.#holder, this.timing.lease.ttl);
    for (const backend of this.pool.backends) {
      const lease = leases.find(({ backend: url }) => url === backend.url);
      if (lease && lease.epoch === backend.lease.current?.epoch) backend.lease.renew(requestedAt);
      else if (lease) await this.#begin(backend, { lease, requestedAt, holders });
      else if (backend.lease.isHeld) this.#lose(backend);
    }
    return { share: Math.ceil(this.pool.backends.length / holders), holders };
  }

  async #releaseExcess(share: number): Promise<void> {
    const held = this.#held().sort((a, b) => b.slotsTaken - a.slotsTaken);
    held.forEach((backend, index) => {
      backend.lease.isReleasing = index >= share;
    });
    const idle = held.filter(isAwaited);
    for (const { lease } of idle) lease.end();
    if (idle.length > 0)
      await this.repository.release(
        this.#holder,
        idle.map(({ url }) => url),
      );
  }

  async #acquireMore(share: number, holders: number): Promise<void> {
    const wanted = this.pool.backends.filter(({ lease }) => !lease.isHeld);
    const missing = share - this.#held().length;
    if (missing <= 0 || wanted.length === 0) return;
    const requestedAt = performance.now();
    const urls = wanted.map(({ url }) => url);
    const terms = { atMost: missing, ttlMs: this.timing.lease.ttl };
    for (const lease of await this.repository.acquire(this.#holder, urls, terms)) {
      const backend = this.pool.find(lease.backend);
      if (backend) await this.#begin(backend, { lease, requestedAt, holders });
    }
  }

  /** The slots of prompts that are there already are taken first. */
  async #begin(
    backend: Backend,
    { lease, requestedAt, holders }: { lease: Lease; requestedAt: number; holders: number },
  ): Promise<void> {
    backend.lease.end();
    await this.recovery.resume(backend, () => backend.lease.begin(lease, requestedAt));
    this.pool.changed.notifyAll();
    if (holders > 1 || lease.epoch > 1) this.#logger.log(`The lease of ComfyUI at ${backend.url} is acquired`);
  }

  /** Jobs whose run this process does not know of, and, in the leader, jobs of backends that are not configured any more. */
  async #recoverJobs(): Promise<void> {
    const strays = await this.recovery.recover(this.pool.isLeader);
    if (strays.length === 0) return;
    const terms = { atMost: strays.length, ttlMs: this.timing.lease.ttl };
    const leases = await this.repository.acquire(this.#holder, strays, terms);
    for (const lease of leases) await this.recovery.requeue(lease);
    await this.repository.release(this.#holder, strays);
  }

  #lose(backend: Backend): void {
    backend.lease.end();
    this.#logger.warn(`The lease of ComfyUI at ${backend.url} is lost to another process`);
  }

  #held(): Backend[] {
    return this.pool.backends.filter(({ lease }) => lease.isHeld);
  }

  #logOnce(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#logger.error(`Leases cannot be renewed now: ${oneLine(toComfyUIError(error).message)}`);
  }
}

/** Another process waits for this backend, and it is idle. */
function isAwaited({ lease, slotsTaken }: Backend): boolean {
  return lease.isReleasing && slotsTaken === 0;
}

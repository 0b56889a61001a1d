import type { OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { Timing } from '../../options/timing';
import type { HealthMonitor } from '../backends/health-monitor';
import type { LeaseManager } from '../backends/lease-manager';
import type { JobEventBus } from '../jobs/job-event-bus';
import type { CancellationListener } from './cancellation-listener';
import type { JobExecutor } from './job-executor';
import type { Scheduler } from './scheduler';

export interface WorkerParts {
  readonly leases: LeaseManager;
  readonly health: HealthMonitor;
  readonly scheduler: Scheduler;
  readonly executor: JobExecutor;
  readonly cancellations: CancellationListener;
  readonly bus: JobEventBus;
  readonly timing: Timing;
}

/** The part of a process that runs jobs; a process of the role `api` has none. */
export class Worker implements OnModuleInit, OnApplicationBootstrap {
  constructor(private readonly parts: WorkerParts) {}

  async onModuleInit(): Promise<void> {
    await this.parts.leases.open();
  }

  onApplicationBootstrap(): void {
    const { leases, health, scheduler, cancellations, bus, timing } = this.parts;
    leases.start();
    health.start();
    scheduler.open(timing);
    cancellations.start();
    bus.subscribeProcess({
      onWork: () => scheduler.wakeUp(),
      onCancellation: (jobId) => void cancellations.cancel(jobId),
    });
  }

  /** No backend is acquired and no job claimed any more, except for jobs that callers wait for. */
  beginShutdown(): void {
    this.parts.leases.beginShutdown();
    this.parts.scheduler.beginShutdown();
  }

  /** Resolves when no run is in progress. */
  idle(): Promise<void> {
    return this.parts.executor.idle();
  }

  /** Releases all leases. Never rejects. */
  close(): Promise<void> {
    return this.parts.leases.close();
  }
}

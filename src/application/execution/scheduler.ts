import { Injectable } from '@nestjs/common';
import type { Job } from '../../domain/job/job';
import type { Timing } from '../../options/timing';
import { SingleFlight } from '../../shared/single-flight';
import { BackendPool } from '../backends/backend-pool';
import { JobEventBus } from '../jobs/job-event-bus';
import { JobRepository } from '../jobs/job-repository';
import type { JobSession } from '../jobs/job-session';
import { PeriodicTasks } from '../maintenance/periodic-tasks';
import type { Assignment } from './assignment';
import { JobExecutor } from './job-executor';

/** Claims waiting jobs, in the order of the queue, for backends with free slots. */
@Injectable()
export class Scheduler {
  readonly #rounds = new SingleFlight<'round', void>();
  #isShuttingDown = false;

  constructor(
    private readonly repository: JobRepository,
    private readonly pool: BackendPool,
    private readonly executor: JobExecutor,
    private readonly bus: JobEventBus,
    private readonly tasks: PeriodicTasks,
  ) {}

  open({ poll }: Timing): void {
    this.tasks.start({
      failure: 'Jobs cannot be claimed',
      interval: poll,
      wakeUp: this.pool.changed,
      run: () => this.run(),
    });
  }

  /** From now on only jobs that callers of this process wait for are claimed. */
  beginShutdown(): void {
    this.#isShuttingDown = true;
  }

  /** Claims jobs soon, here or in another process: one was stored that waits. */
  requestRun(): void {
    this.wakeUp();
    this.bus.publishWork();
  }

  /** Claims jobs soon, here. */
  wakeUp(): void {
    this.pool.changed.notifyAll();
  }

  /** Resolves when every waiting job that can run now is claimed. @throws ComfyUIError `storage_failed` */
  run(): Promise<void> {
    return this.#rounds.joinNext('round', () => this.#claimAll());
  }

  /** Takes a slot for a job; undefined when no backend can run it now. The assignment is stored, then started or released. */
  assign(job: Job): Assignment | undefined {
    return this.#isShuttingDown ? undefined : this.executor.assign(job);
  }

  /** Runs a job whose assignment is stored. */
  start(assignment: Assignment, session: JobSession): void {
    this.executor.run(assignment, session);
  }

  async #claimAll(): Promise<void> {
    while (this.pool.hasFreeSlot && (await this.#claimOne()));
  }

  async #claimOne(): Promise<boolean> {
    const only = this.#isShuttingDown ? this.executor.heldJobIds() : undefined;
    if (only?.length === 0) return false;
    let assignment: Assignment | undefined;
    const assign = (job: Job) => {
      // The claim is repeated after a lost connection.
      assignment?.release();
      assignment = this.executor.assign(job);
      return assignment;
    };
    try {
      const job = await this.repository.claim({ assign, only });
      if (job && assignment) await this.executor.start(assignment);
      else assignment?.release();
      return job !== undefined;
    } catch (error) {
      assignment?.release();
      throw error;
    }
  }
}

import { Injectable, Logger } from '@nestjs/common';
import { describe } from '../../domain/asset';
import { toComfyUIError } from '../../domain/errors';
import type { CollectedFile, Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { advance, type JobState, recordOf } from '../../domain/job/job-state';
import { Timing } from '../../options/timing';
import { sleep } from '../../shared/sleep';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import type { Lease } from '../backends/lease-repository';
import { ShutdownState } from '../maintenance/shutdown-state';
import { JobEvents } from './job-events';
import { type FileChanges, JobRepository } from './job-repository';
import type { JobSession } from './job-session';

interface Write {
  readonly before: Job;
  readonly lease?: Lease;
}

/** A change, or a function of the job at its turn; undefined: none. */
export type Decision = JobChange | ((job: JobState) => JobChange | undefined);

/** Stores what happens to jobs. The writes of one job follow one another. */
@Injectable()
export class JobWriter {
  readonly #logger = new Logger(JobWriter.name);
  readonly #writes = new WeakMap<JobSession, Promise<unknown>>();
  readonly #inProgress = new Set<Promise<unknown>>();
  /** Sessions whose state is to be stored soon, and the batch since which that is so. */
  readonly #noted = new Map<JobSession, number>();
  #batch = 0;
  #nextBatch: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: JobRepository,
    private readonly pool: BackendPool,
    private readonly events: JobEvents,
    private readonly shutdown: ShutdownState,
    private readonly timing: Timing,
  ) {}

  /**
   * Stores a change, then applies it to the session.
   * @param lease under which it is stored; default: that of the backend concerned
   * @returns false when the job has ended or another process moved it on: nothing is changed
   * @throws ComfyUIError `storage_failed`
   */
  commit(session: JobSession, decide: Decision, lease?: Lease): Promise<boolean> {
    return this.#inTurn(session, async () => {
      const before = session.job;
      const change = typeof decide === 'function' ? decide(before) : decide;
      const now = Date.now();
      const next = change ? advance(before, change, now) : before;
      if (!change || next === before) return false;
      this.#noted.delete(session);
      const isSaved = await this.#save(session, next, { before, lease });
      if (isSaved) session.change(change, now);
      return isSaved;
    });
  }

  /** As {@link commit}, repeated until it is stored: for what has happened, whether the database is there or not. */
  async settle(session: JobSession, decide: Decision, lease?: Lease): Promise<boolean> {
    const { first, longest } = this.timing.writeRetry;
    for (let pause = first; ; pause = Math.min(pause * 2, longest)) {
      try {
        return await this.commit(session, decide, lease);
      } catch (error) {
        if (this.shutdown.isOver) throw error;
        const { message } = toComfyUIError(error);
        this.#logger.error(`The state of job ${session.job.id} cannot be stored yet: ${oneLine(message)}`);
      }
      await sleep(pause, this.shutdown.over);
    }
  }

  /** Applies a change at once and stores it soon, or at {@link stored}. What a crash loses of it is read from ComfyUI again. */
  note(session: JobSession, change: JobChange): void {
    session.change(change);
    if (!this.#noted.has(session)) this.#noted.set(session, this.#batch);
    this.#schedule();
  }

  /** Resolves when the job is stored as it is now: a state that a caller sees never goes back. */
  async stored(session: JobSession): Promise<void> {
    if (this.#noted.has(session)) await this.#storeNoted(session);
    else await this.#writes.get(session)?.catch(() => undefined);
  }

  /** Stores what is noted, and waits for all writes. */
  async flush(): Promise<void> {
    clearTimeout(this.#nextBatch);
    this.#nextBatch = undefined;
    for (const session of this.#noted.keys()) void this.#storeNoted(session);
    await Promise.allSettled(this.#inProgress);
  }

  #schedule(): void {
    this.#nextBatch ??= setTimeout(() => this.#storeBatch(), this.timing.writeBehind).unref();
  }

  /** What was noted before the last batch, all at once: the embedded database commits it together. */
  #storeBatch(): void {
    this.#nextBatch = undefined;
    for (const [session, batch] of this.#noted) if (batch < this.#batch) void this.#storeNoted(session);
    this.#batch += 1;
    if (this.#noted.size > 0) this.#schedule();
  }

  /** A commit in between stores it as well. */
  async #storeNoted(session: JobSession): Promise<void> {
    try {
      await this.#inTurn(session, async () => {
        if (this.#noted.delete(session)) await this.#save(session, session.job, { before: session.job });
      });
    } catch (error) {
      this.#logger.warn(`Job ${session.job.id} cannot be stored now: ${oneLine(toComfyUIError(error).message)}`);
    }
  }

  async #save(session: JobSession, job: JobState, { before, lease = this.#leaseOf(before, job) }: Write) {
    const { stored } = session;
    const files = fileChanges(stored.outputs, job);
    const isSaved = await this.repository.save(recordOf(job), before.fencingToken, { files, lease });
    if (!isSaved) return false;
    session.stored = job;
    this.events.stored(stored, job);
    return true;
  }

  /** Of a backend that another process uses there is no valid lease. */
  #leaseOf(before: Job, next: Job): Lease | undefined {
    const backend = next.backend ?? before.backend;
    return backend === null ? undefined : (this.pool.find(backend)?.lease.current ?? { backend, epoch: 0 });
  }

  #inTurn<T>(session: JobSession, write: () => Promise<T>): Promise<T> {
    const before = this.#writes.get(session) ?? Promise.resolve();
    const turn = before.then(write, write);
    this.#writes.set(session, turn);
    this.#inProgress.add(turn);
    const done = () => this.#inProgress.delete(turn);
    turn.then(done, done);
    return turn;
  }
}

/** The files of the job that the database does not have yet, or still has; undefined: none. */
function fileChanges(stored: readonly CollectedFile[], job: JobState): FileChanges | undefined {
  if (job.outputs === stored) return undefined;
  const before = new Set(stored);
  const now = new Set(job.outputs);
  const added = job.outputs.filter((file) => !before.has(file));
  const dropped = stored.filter((file) => !now.has(file));
  return added.length + dropped.length > 0 ? { added, dropped, description: describe(job) } : undefined;
}

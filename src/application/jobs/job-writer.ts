import { Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { type JobState, advance, recordOf } from '../../domain/job/job-state';
import { describe } from '../../domain/asset';
import type { CollectedFile, Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import { ShutdownState } from '../maintenance/shutdown-state';
import type { JobSession } from './job-session';
import { type FileChanges, JobRepository } from './job-repository';
import type { Lease } from '../backends/lease-repository';
import { sleep } from '../../shared/sleep';

/** Every write waits for the disk: what happens in quick succession is stored together, a short run with its end. */
const STORING_MS = 100;
const TRY_AGAIN_MS = { first: 200, longest: 5_000 };

interface SavedFrom {
  readonly before: Job;
  readonly lease?: Lease;
}

/** A change, or what it depends on the job at its turn; undefined: none. */
export type Decision = JobChange | ((job: JobState) => JobChange | undefined);

/** Keeps the store in step with live jobs. The changes of one job are written in turn. */
@Injectable()
export class JobWriter {
  readonly #logger = new Logger(JobWriter.name);
  readonly #writes = new WeakMap<JobSession, Promise<unknown>>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Jobs whose latest state is to be stored soon, and the turn since which that is so. */
  readonly #noted = new Map<JobSession, number>();
  #turn = 0;
  #nextTurn: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: JobRepository,
    private readonly pool: BackendPool,
    private readonly shutdownState: ShutdownState,
  ) {}

  /**
   * Stores a change, then tells it.
   * @param lease under which it is made; default: that of the server concerned
   * @returns false when the job has ended or was moved on by somebody else: nothing was changed
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

  /** As {@link commit}, tried until it is stored: for what has happened, whether it can be stored now or not. */
  async settle(session: JobSession, decide: Decision, lease?: Lease): Promise<boolean> {
    for (let pause = TRY_AGAIN_MS.first; ; pause = Math.min(pause * 2, TRY_AGAIN_MS.longest)) {
      try {
        return await this.commit(session, decide, lease);
      } catch (error) {
        if (this.shutdownState.isOver) throw error;
        this.#logger.error(
          `What became of job ${session.job.id} can not be stored yet: ${oneLine(toComfyUIError(error).message)}`,
        );
      }
      await sleep(pause, this.shutdownState.over);
    }
  }

  /**
   * Makes a change at once and stores it soon, or when somebody looks ({@link stored}); what a crash loses of it is learnt
   * from ComfyUI again.
   */
  note(session: JobSession, change: JobChange): void {
    session.change(change);
    if (!this.#noted.has(session)) this.#noted.set(session, this.#turn);
    this.#plan();
  }

  /** Resolves when the job is stored as it is now: who sees it then will never see it go back. */
  async stored(session: JobSession): Promise<void> {
    if (this.#noted.has(session)) await this.#storeNoted(session);
    else await this.#writes.get(session)?.catch(() => undefined);
  }

  /** Stores what was noted, and waits for all that is being stored. */
  async flush(): Promise<void> {
    clearTimeout(this.#nextTurn);
    this.#nextTurn = undefined;
    for (const session of this.#noted.keys()) void this.#storeNoted(session);
    await Promise.allSettled(this.#underWay);
  }

  #plan(): void {
    this.#nextTurn ??= setTimeout(() => this.#takeTurn(), STORING_MS).unref();
  }

  /** Those that were noted before the last turn, all at once: the embedded database commits them together. */
  #takeTurn(): void {
    this.#nextTurn = undefined;
    for (const [session, turn] of this.#noted) if (turn < this.#turn) void this.#storeNoted(session);
    this.#turn += 1;
    if (this.#noted.size > 0) this.#plan();
  }

  /** A commit meanwhile stored it as well. */
  async #storeNoted(session: JobSession): Promise<void> {
    try {
      await this.#inTurn(session, async () => {
        if (this.#noted.delete(session)) await this.#save(session, session.job, { before: session.job });
      });
    } catch (error) {
      this.#logger.warn(`Job ${session.job.id} can not be stored now: ${oneLine(toComfyUIError(error).message)}`);
    }
  }

  async #save(
    session: JobSession,
    job: JobState,
    { before, lease = this.#leaseOf(before, job) }: SavedFrom,
  ): Promise<boolean> {
    const files = fileChanges(session.stored.outputs, job);
    const isSaved = await this.store.save(recordOf(job), before.fencingToken, { files, lease });
    if (isSaved) session.stored = job;
    return isSaved;
  }

  /** Of a server that is driven elsewhere there is none that holds. */
  #leaseOf(before: Job, next: Job): Lease | undefined {
    const backend = next.backend ?? before.backend;
    return backend === null ? undefined : (this.pool.find(backend)?.hold.lease ?? { backend, epoch: 0 });
  }

  #inTurn<T>(session: JobSession, write: () => Promise<T>): Promise<T> {
    const before = this.#writes.get(session) ?? Promise.resolve();
    const turn = before.then(write, write);
    this.#writes.set(session, turn);
    this.#underWay.add(turn);
    const done = () => this.#underWay.delete(turn);
    turn.then(done, done);
    return turn;
  }
}

/** What the store does not know yet of the job's files; undefined: nothing. */
function fileChanges(stored: readonly CollectedFile[], job: JobState): FileChanges | undefined {
  if (job.outputs === stored) return undefined;
  const before = new Set(stored);
  const now = new Set(job.outputs);
  const added = job.outputs.filter((file) => !before.has(file));
  const dropped = stored.filter((file) => !now.has(file));
  return added.length + dropped.length > 0 ? { added, dropped, description: describe(job) } : undefined;
}

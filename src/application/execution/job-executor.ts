import { Injectable, Logger } from '@nestjs/common';
import { BackendError, ComfyUIError, toComfyUIError } from '../../domain/errors';
import { isDeviceFault } from '../../domain/job/execution-failure';
import { type JobState, advance } from '../../domain/job/job-state';
import { isWaiting, type Job } from '../../domain/job/job';
import type { JobChange, Requeued } from '../../domain/job/job-change';
import { oneLine } from '../../shared/text';
import { type AttemptContext, AttemptExecution } from './attempt-execution';
import type { Backend } from '../backends/backend';
import { BackendPool } from '../backends/backend-pool';
import { PromptSweeper } from '../backends/prompt-sweeper';
import { ShutdownState } from '../maintenance/shutdown-state';
import { Assignment } from './assignment';
import { JobLimits } from '../jobs/job-limits';
import { JobWriter } from '../jobs/job-writer';
import type { JobSession } from '../jobs/job-session';
import { OutputFetcher } from './output-fetcher';
import { sleep } from '../../shared/sleep';

/** ComfyUI frees memory between prompts, an idle one when its worker wakes up; nothing tells when that was. */
const FREE_MEMORY_PAUSE_MS = 300;
const LEASE_LOOK_MS = 100;
/** A job that is handed over so often and never starts is not worth more tries. */
const MAX_HANDOVERS = 30;

interface Run {
  readonly session: JobSession;
  readonly run: AttemptExecution;
  readonly done: Promise<void>;
}

interface Following {
  readonly run: AttemptExecution;
  readonly assignment: AttemptContext;
  /** Aborted when this process is not to follow it any longer. */
  readonly stopped: AbortSignal;
}

/** Takes a job that is handed to a server to its end, or back to the queue. */
@Injectable()
export class JobExecutor {
  readonly #logger = new Logger(JobExecutor.name);
  readonly #runs = new Map<string, Run>();

  constructor(
    private readonly writer: JobWriter,
    private readonly fetcher: OutputFetcher,
    private readonly sweeper: PromptSweeper,
    private readonly pool: BackendPool,
    private readonly limits: JobLimits,
    private readonly shutdownState: ShutdownState,
  ) {}

  /**
   * Hands a waiting job to a server: first in the store, then there. Resolves when it is stored; the run goes on.
   * @returns false when the job does not wait any more
   * @throws ComfyUIError `storage_failed`
   */
  async hand(session: JobSession, backend: Backend): Promise<boolean> {
    const assignment = new Assignment(session, backend);
    try {
      const isHanded = await this.writer.commit(session, ({ backend: place }) =>
        place === null ? assignment.change : undefined,
      );
      if (isHanded && !session.isRunning) this.start(assignment);
      else assignment.release();
      return isHanded;
    } catch (error) {
      assignment.release();
      throw error;
    }
  }

  /** Runs a job where it is handed to, now that this is stored. */
  start(assignment: Assignment): void {
    this.#start(assignment, { isAdopted: false });
    assignment.session.isHanding = false;
  }

  /** Takes up a job that another process, or the one before, handed to a server. */
  adopt(session: JobSession, backend: Backend): void {
    this.#logger.log(`Job ${session.job.id}: looking for its prompt at ${backend.url}`);
    session.change({ kind: 'resumed' });
    this.#start({ session, backend, slot: backend.take(session.job.requirements.models) }, { isAdopted: true });
  }

  /** Cancels the run of a job whose cancelation was requested; nothing to do when it does not run here. */
  cancel(jobId: string): void {
    this.#runs.get(jobId)?.run.cancel();
  }

  /** Cancels the run of a job if it is one of this process. @throws ComfyUIError `storage_failed` */
  async cancelIfHere(jobId: string): Promise<void> {
    const { session, run } = this.#runs.get(jobId) ?? {};
    if (!session) return;
    await this.writer.commit(session, ({ cancelRequested }) =>
      cancelRequested ? undefined : { kind: 'cancel-requested' },
    );
    if (session.job.cancelRequested) run?.cancel();
  }

  /** Resolves when no run is under way any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  #start(assignment: AttemptContext, how: { readonly isAdopted: boolean }): void {
    const { session } = assignment;
    const { writer, fetcher } = this;
    const { runTimeoutMs } = this.limits;
    const stopped = AbortSignal.any([this.shutdownState.over, assignment.backend.hold.lost]);
    const run = new AttemptExecution(assignment, { writer, fetcher, runTimeoutMs, stopped });
    session.isRunning = true;
    const done = this.#follow({ run, assignment, stopped }, how).then((change) => {
      this.#end(assignment, run);
      // Others are told of it before people are.
      if (change?.kind === 'requeued') this.#sendAway(session, change);
      if (change) this.#tell(session, change, assignment.backend);
    });
    this.#runs.set(session.job.id, { session, run, done });
  }

  /** It may run here again already, where it was lost and won back meanwhile. */
  #end({ session, backend }: AttemptContext, run: AttemptExecution): void {
    const { job } = session;
    if (this.#runs.get(job.id)?.run !== run) return;
    this.#runs.delete(job.id);
    session.isRunning = false;
    if (isWaiting(job)) backend.condition.announce(job);
  }

  /** It did not reach its server, and no other is there: who comes a moment later is not let in either. */
  #sendAway(session: JobSession, { error }: Requeued): void {
    const isUnsent = error instanceof BackendError && error.neverSent;
    if (isUnsent && !this.pool.isUsable) session.rejectWaiters(error);
  }

  /** Never rejects: how it went is in the job. @returns what became of it, when that was stored */
  async #follow(
    { run, assignment, stopped }: Following,
    how: { readonly isAdopted: boolean },
  ): Promise<JobChange | undefined> {
    const { session, backend } = assignment;
    try {
      await untilSure(backend, stopped);
      if (stopped.aborted) return undefined;
      const change = await run.files(how).then(
        (outputs): JobChange => ({ kind: 'succeeded', outputs }),
        async (error: unknown) => {
          await untilSure(backend, stopped);
          return stopped.aborted ? undefined : this.#consequence(session, backend, error);
        },
      );
      // What became of it is learnt by whoever takes it up next.
      if (!change) return undefined;
      const { fencingToken } = session.job;
      const isSettled = await this.writer.settle(session, (job) => this.#stillTrue(change, job, fencingToken));
      if (isSettled) {
        void this.sweeper.forget(backend, session.job);
        return change;
      }
      this.#logger.warn(`Job ${session.job.id}: what its attempt at ${backend.url} brought is not wanted any more`);
    } catch (error) {
      if (!stopped.aborted)
        this.#logger.error(`Job ${session.job.id}: ${oneLine(toComfyUIError(error).message)}`, stackOf(error));
    }
    return undefined;
  }

  /** What becomes of a job whose attempt brought no result. */
  async #consequence(session: JobSession, backend: Backend, thrown: unknown): Promise<JobChange> {
    const error = toComfyUIError(thrown).forJob(session.job.id);
    const isFault = thrown instanceof BackendError;
    const mayBeThere = error.code === 'expired' || (isFault && !thrown.neverSent);
    if (isFault && !session.job.cancelRequested) await backend.blame(thrown);
    if (mayBeThere) await this.#abandon(session, backend);
    if (error.code === 'expired') return { kind: 'expired', error };
    if (error.code === 'canceled' || (isFault && session.job.cancelRequested)) return canceled(session.job);
    if (isWorthAnotherAttempt(session.job, thrown) && this.#hasTriesLeft(session.job, error)) {
      await this.#prepare(backend, error);
      return { kind: 'requeued', error };
    }
    return { kind: 'failed', error };
  }

  /** The job may have been moved on, or its cancelation requested, since the consequence was drawn. */
  #stillTrue(change: JobChange, job: Job, fencingToken: number): JobChange | undefined {
    if (job.fencingToken !== fencingToken) return undefined;
    return change.kind === 'requeued' && job.cancelRequested ? canceled(job) : change;
  }

  /** It must not run on: canceled now, or when it turns up. */
  async #abandon(session: JobSession, backend: Backend): Promise<void> {
    const { id: jobId, attempts } = session.job;
    const promptId = attempts.at(-1)?.promptId ?? jobId;
    await this.sweeper.abandon({ promptId, backend: backend.url, jobId, abandonedAt: Date.now() });
    if (backend.isUsable) void this.sweeper.sweep(backend);
  }

  #hasTriesLeft(job: JobState, error: ComfyUIError): boolean {
    const { attempts, fencingToken } = advance(job, { kind: 'requeued', error }, Date.now());
    return attempts.length < this.limits.maxAttempts && fencingToken < 2 * MAX_HANDOVERS;
  }

  /** Makes room for the next attempt, or makes ComfyUI forget a file that is gone. */
  async #prepare(backend: Backend, error: ComfyUIError): Promise<void> {
    if (isDeviceFault(error)) await backend.blame(new BackendError('backend_error', error.message, { cause: error }));
    if (error.code !== 'out_of_memory' && error.code !== 'output_missing') return;
    await backend.use((client) => client.freeMemory(this.shutdownState.over)).catch(() => undefined);
    await sleep(FREE_MEMORY_PAUSE_MS, this.shutdownState.over);
  }

  #tell({ job }: JobSession, change: JobChange, { url }: Backend): void {
    const { id, status, error, outputs } = job;
    const reason = `${error?.code}: ${oneLine(error?.message ?? '')}`;
    if (status === 'succeeded') this.#logger.log(`Job ${id} succeeded with ${outputs.length} files`);
    else if (status === 'canceled') this.#logger.log(`Job ${id} canceled`);
    else if (error) this.#logger.error(`Job ${id} ${status} (${reason})`, stackOf(error));
    else
      this.#logger.warn(
        `Job ${id} goes back to the queue from ${url}: ${oneLine(change.kind === 'requeued' ? change.error.message : '')}`,
      );
  }
}

/**
 * A faulty server, a broken device, memory that ran out once, or a file that ComfyUI only remembered from an earlier run:
 * another attempt may succeed. A node that failed would fail again.
 */
function isWorthAnotherAttempt(job: JobState, thrown: unknown): boolean {
  if (thrown instanceof BackendError) return true;
  if (!(thrown instanceof ComfyUIError)) return false;
  switch (thrown.code) {
    case 'output_missing':
      return job.run.cached.has(String(thrown.details?.nodeId)) && !failedBefore(job, thrown.code);
    case 'out_of_memory':
      return !failedBefore(job, thrown.code);
    default:
      return isDeviceFault(thrown);
  }
}

/** A process that was frozen draws wrong conclusions, and the prompt may be another's by now. */
async function untilSure({ hold }: Backend, stopped: AbortSignal): Promise<void> {
  while (!hold.isFresh && !stopped.aborted) await sleep(LEASE_LOOK_MS, stopped);
}

function failedBefore(job: Job, code: string): boolean {
  return job.attempts.some(({ error }) => error?.code === code);
}

function canceled({ id }: Job): JobChange {
  return { kind: 'canceled', error: new ComfyUIError('canceled', 'The job was canceled.', { jobId: id }) };
}

/** Of faults of our own only: the others are told by their sentence. */
function stackOf(error: unknown): string | undefined {
  const { code, cause } = toComfyUIError(error);
  return code === 'internal_error' && cause instanceof Error ? cause.stack : undefined;
}

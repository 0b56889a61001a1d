import { Injectable, Logger } from '@nestjs/common';
import { BackendFault, ComfyUIError, toComfyUIError } from '../domain/errors';
import { isDeviceFault } from '../domain/job/execution-failure';
import { type ActiveJob, advance } from '../domain/job/active-job';
import { isWaiting, type Job } from '../domain/job/job';
import type { JobChange, Returned } from '../domain/job/job-change';
import { oneLine } from '../domain/text';
import { type Assignment, AttemptRun } from './attempt-run';
import type { Backend } from './backends/backend';
import { BackendPool } from './backends/backend-pool';
import { PromptSweeper } from './backends/prompt-sweeper';
import { Draining } from './draining';
import { Handover } from './handover';
import { JobLimits } from './job-limits';
import { JobRecorder } from './job-recorder';
import type { LiveJob } from './live-job';
import { OutputFetcher } from './output-fetcher';
import { sleep } from './sleep';

/** ComfyUI frees memory between prompts, an idle one when its worker wakes up; nothing tells when that was. */
const FREE_MEMORY_PAUSE_MS = 300;
const LEASE_LOOK_MS = 100;
/** A job that is handed over so often and never starts is not worth more tries. */
const MAX_HANDOVERS = 30;

interface Run {
  readonly live: LiveJob;
  readonly run: AttemptRun;
  readonly done: Promise<void>;
}

interface Following {
  readonly run: AttemptRun;
  readonly assignment: Assignment;
  /** Aborted when this process is not to follow it any longer. */
  readonly stopped: AbortSignal;
}

/** Takes a job that is handed to a server to its end, or back to the queue. */
@Injectable()
export class JobRunner {
  readonly #logger = new Logger(JobRunner.name);
  readonly #runs = new Map<string, Run>();

  constructor(
    private readonly recorder: JobRecorder,
    private readonly fetcher: OutputFetcher,
    private readonly sweeper: PromptSweeper,
    private readonly pool: BackendPool,
    private readonly limits: JobLimits,
    private readonly draining: Draining,
  ) {}

  /**
   * Hands a waiting job to a server: first in the store, then there. Resolves when it is stored; the run goes on.
   * @returns false when the job does not wait any more
   * @throws ComfyUIError `storage_failed`
   */
  async hand(live: LiveJob, backend: Backend): Promise<boolean> {
    const handover = new Handover(live, backend);
    try {
      const isHanded = await this.recorder.commit(live, ({ backend: place }) =>
        place === null ? handover.change : undefined,
      );
      if (isHanded && !live.isRunning) this.start(handover);
      else handover.release();
      return isHanded;
    } catch (error) {
      handover.release();
      throw error;
    }
  }

  /** Runs a job where it is handed to, now that this is stored. */
  start(handover: Handover): void {
    this.#start(handover, { isAdopted: false });
    handover.live.isHanding = false;
  }

  /** Takes up a job that another process, or the one before, handed to a server. */
  adopt(live: LiveJob, backend: Backend): void {
    this.#logger.log(`Job ${live.job.id}: looking for its prompt at ${backend.url}`);
    live.change({ kind: 'adopted' });
    this.#start({ live, backend, slot: backend.take(live.job.needs.models) }, { isAdopted: true });
  }

  /** Cancels the run of a job whose cancelation was requested; nothing to do when it does not run here. */
  cancel(jobId: string): void {
    this.#runs.get(jobId)?.run.cancel();
  }

  /** Cancels the run of a job if it is one of this process. @throws ComfyUIError `storage_failed` */
  async cancelIfHere(jobId: string): Promise<void> {
    const { live, run } = this.#runs.get(jobId) ?? {};
    if (!live) return;
    await this.recorder.commit(live, ({ cancelRequested }) =>
      cancelRequested ? undefined : { kind: 'cancel-requested' },
    );
    if (live.job.cancelRequested) run?.cancel();
  }

  /** Resolves when no run is under way any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  #start(assignment: Assignment, how: { readonly isAdopted: boolean }): void {
    const { live } = assignment;
    const { recorder, fetcher } = this;
    const { runTimeoutMs } = this.limits;
    const stopped = AbortSignal.any([this.draining.over, assignment.backend.hold.lost]);
    const run = new AttemptRun(assignment, { recorder, fetcher, runTimeoutMs, stopped });
    live.isRunning = true;
    const done = this.#follow({ run, assignment, stopped }, how).then((change) => {
      this.#end(assignment, run);
      // Others are told of it before people are.
      if (change?.kind === 'returned') this.#sendAway(live, change);
      if (change) this.#tell(live, change, assignment.backend);
    });
    this.#runs.set(live.job.id, { live, run, done });
  }

  /** It may run here again already, where it was lost and won back meanwhile. */
  #end({ live, backend }: Assignment, run: AttemptRun): void {
    const { job } = live;
    if (this.#runs.get(job.id)?.run !== run) return;
    this.#runs.delete(job.id);
    live.isRunning = false;
    if (isWaiting(job)) backend.bell.announce(job);
  }

  /** It did not reach its server, and no other is there: who comes a moment later is not let in either. */
  #sendAway(live: LiveJob, { error }: Returned): void {
    const isUnsent = error instanceof BackendFault && error.neverSent;
    if (isUnsent && !this.pool.isUsable) live.strand(error);
  }

  /** Never rejects: how it went is in the job. @returns what became of it, when that was stored */
  async #follow(
    { run, assignment, stopped }: Following,
    how: { readonly isAdopted: boolean },
  ): Promise<JobChange | undefined> {
    const { live, backend } = assignment;
    try {
      await untilSure(backend, stopped);
      if (stopped.aborted) return undefined;
      const change = await run.files(how).then(
        (outputs): JobChange => ({ kind: 'succeeded', outputs }),
        async (error: unknown) => {
          await untilSure(backend, stopped);
          return stopped.aborted ? undefined : this.#consequence(live, backend, error);
        },
      );
      // What became of it is learnt by whoever takes it up next.
      if (!change) return undefined;
      const { placement } = live.job;
      const isSettled = await this.recorder.settle(live, (job) => this.#stillTrue(change, job, placement));
      if (isSettled) {
        void this.sweeper.forget(backend, live.job);
        return change;
      }
      this.#logger.warn(`Job ${live.job.id}: what its attempt at ${backend.url} brought is not wanted any more`);
    } catch (error) {
      if (!stopped.aborted)
        this.#logger.error(`Job ${live.job.id}: ${oneLine(toComfyUIError(error).message)}`, stackOf(error));
    }
    return undefined;
  }

  /** What becomes of a job whose attempt brought no result. */
  async #consequence(live: LiveJob, backend: Backend, thrown: unknown): Promise<JobChange> {
    const error = toComfyUIError(thrown).forJob(live.job.id);
    const isFault = thrown instanceof BackendFault;
    const mayBeThere = error.code === 'expired' || (isFault && !thrown.neverSent);
    if (isFault && !live.job.cancelRequested) await backend.blame(thrown);
    if (mayBeThere) await this.#abandon(live, backend);
    if (error.code === 'expired') return { kind: 'expired', error };
    if (error.code === 'canceled' || (isFault && live.job.cancelRequested)) return canceled(live.job);
    if (isWorthAnotherAttempt(live.job, thrown) && this.#hasTriesLeft(live.job, error)) {
      await this.#prepare(backend, error);
      return { kind: 'returned', error };
    }
    return { kind: 'failed', error };
  }

  /** The job may have been moved on, or its cancelation requested, since the consequence was drawn. */
  #stillTrue(change: JobChange, job: Job, placement: number): JobChange | undefined {
    if (job.placement !== placement) return undefined;
    return change.kind === 'returned' && job.cancelRequested ? canceled(job) : change;
  }

  /** It must not run on: canceled now, or when it turns up. */
  async #abandon(live: LiveJob, backend: Backend): Promise<void> {
    const { id: jobId, attempts } = live.job;
    const promptId = attempts.at(-1)?.promptId ?? jobId;
    await this.sweeper.abandon({ promptId, backend: backend.url, jobId, abandonedAt: Date.now() });
    if (backend.isUsable) void this.sweeper.sweep(backend);
  }

  #hasTriesLeft(job: ActiveJob, error: ComfyUIError): boolean {
    const { attempts, placement } = advance(job, { kind: 'returned', error }, Date.now());
    return attempts.length < this.limits.maxAttempts && placement < 2 * MAX_HANDOVERS;
  }

  /** Makes room for the next attempt, or makes ComfyUI forget a file that is gone. */
  async #prepare(backend: Backend, error: ComfyUIError): Promise<void> {
    if (isDeviceFault(error)) await backend.blame(new BackendFault('backend_error', error.message, { cause: error }));
    if (error.code !== 'out_of_memory' && error.code !== 'output_missing') return;
    await backend.use((client) => client.freeMemory(this.draining.over)).catch(() => undefined);
    await sleep(FREE_MEMORY_PAUSE_MS, this.draining.over);
  }

  #tell({ job }: LiveJob, change: JobChange, { url }: Backend): void {
    const { id, status, error, outputs } = job;
    const reason = `${error?.code}: ${oneLine(error?.message ?? '')}`;
    if (status === 'succeeded') this.#logger.log(`Job ${id} succeeded with ${outputs.length} files`);
    else if (status === 'canceled') this.#logger.log(`Job ${id} canceled`);
    else if (error) this.#logger.error(`Job ${id} ${status} (${reason})`, stackOf(error));
    else
      this.#logger.warn(
        `Job ${id} goes back to the queue from ${url}: ${oneLine(change.kind === 'returned' ? change.error.message : '')}`,
      );
  }
}

/**
 * A faulty server, a broken device, memory that ran out once, or a file that ComfyUI only remembered from an earlier run:
 * another attempt may succeed. A node that failed would fail again.
 */
function isWorthAnotherAttempt(job: ActiveJob, thrown: unknown): boolean {
  if (thrown instanceof BackendFault) return true;
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

import { Injectable, Logger } from '@nestjs/common';
import { BackendError, toComfyUIError } from '../../domain/errors';
import { isWaiting, type Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { oneLine } from '../../shared/text';
import type { Backend } from '../backends/backend';
import { BackendPool, type EarlierAttempts } from '../backends/backend-pool';
import { JobRegistry } from '../jobs/job-registry';
import type { JobSession } from '../jobs/job-session';
import { JobWriter } from '../jobs/job-writer';
import { Assignment } from './assignment';
import { type AttemptContext, type AttemptExecution, Attempts } from './attempt-execution';
import { canceled, FailureHandler } from './failure-handler';

interface Run {
  readonly session: JobSession;
  readonly attempt: AttemptExecution;
  readonly ended: Promise<void>;
}

/** Runs assigned jobs, each to its end or back to the queue. */
@Injectable()
export class JobExecutor {
  readonly #logger = new Logger(JobExecutor.name);
  readonly #runs = new Map<string, Run>();
  /** Jobs whose assignment is being stored: they may be assigned in the database, and do not run yet. */
  readonly #assigning = new Set<string>();

  constructor(
    private readonly registry: JobRegistry,
    private readonly writer: JobWriter,
    private readonly pool: BackendPool,
    private readonly attempts: Attempts,
    private readonly failures: FailureHandler,
  ) {}

  /** Takes a slot for a waiting job; undefined when no backend can run it now. */
  assign(job: Job): Assignment | undefined {
    const backend = this.pool.choose(job.requirements, earlierAttempts(job));
    if (!backend) return undefined;
    this.#assigning.add(job.id);
    return new Assignment(job, backend, () => this.#assigning.delete(job.id));
  }

  /** Runs a claimed job. Resolves when it runs; its end is in the job. @throws ComfyUIError `storage_failed` */
  async start(assignment: Assignment): Promise<void> {
    const session = await this.registry.openClaimed(assignment.job);
    if (session) this.run(assignment, session);
    else assignment.release();
    session?.release();
  }

  /** Runs a job as its stored assignment says. */
  run(assignment: Assignment, session: JobSession): void {
    if (session.job.fencingToken < assignment.job.fencingToken) session.change(assignment.change, assignment.at);
    this.#run({ session, backend: assignment.backend, slot: assignment.slot }, { isResumed: false });
    assignment.started();
  }

  /** Resumes a job that another process, or an earlier one, assigned to a backend. */
  resume(session: JobSession, backend: Backend): void {
    this.#logger.log(`Job ${session.job.id}: looking for its prompt at ${backend.url}`);
    session.change({ kind: 'resumed' });
    const slot = backend.take(session.job.requirements.models);
    this.#run({ session, backend, slot }, { isResumed: true });
  }

  /** Whether a job runs in this process, or is about to. */
  owns(jobId: string): boolean {
    return this.#runs.has(jobId) || this.#assigning.has(jobId);
  }

  /** The waiting jobs that callers of this process hold. */
  heldJobIds(): string[] {
    const held = this.registry.held().filter(({ job }) => isWaiting(job));
    return held.map(({ job }) => job.id);
  }

  /** Cancels the run of a job whose cancellation was requested, if it is one of this process. */
  cancel(jobId: string): void {
    this.#runs.get(jobId)?.attempt.cancel();
  }

  /** Requests the cancellation of a job and cancels its run, if it is one of this process. @throws ComfyUIError `storage_failed` */
  async requestCancellation(jobId: string): Promise<void> {
    const { session, attempt } = this.#runs.get(jobId) ?? {};
    if (!session) return;
    await this.writer.commit(session, ({ cancelRequested }) =>
      cancelRequested ? undefined : { kind: 'cancel-requested' },
    );
    if (session.job.cancelRequested) attempt?.cancel();
  }

  /** Resolves when no run is in progress any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  #run(context: AttemptContext, how: { readonly isResumed: boolean }): void {
    const { session, backend } = context;
    const attempt = this.attempts.create(context);
    this.registry.beginRun(session);
    const ended = this.#follow(attempt, context, how).then((change) => {
      this.#end(session, attempt);
      if (change?.kind === 'requeued') this.#rejectUnsent(session, change.error);
      if (change) this.#log(session.job, change, backend);
    });
    this.#runs.set(session.job.id, { session, attempt, ended });
  }

  /** The job may run here again already, when its backend was lost and acquired again. */
  #end(session: JobSession, attempt: AttemptExecution): void {
    const { id } = session.job;
    if (this.#runs.get(id)?.attempt !== attempt) return;
    this.#runs.delete(id);
    this.registry.endRun(session);
    if (isWaiting(session.job)) this.pool.changed.notifyAll();
  }

  /** The prompt did not reach its backend, and there is no other: waiters are rejected as a later caller would be. */
  #rejectUnsent(session: JobSession, error: unknown): void {
    const isUnsent = error instanceof BackendError && error.neverSent;
    if (isUnsent && !this.pool.isUsable) session.rejectWaiters(error);
  }

  /** Never rejects: the end of the attempt is in the job. @returns what it changed, once that is stored */
  async #follow(
    attempt: AttemptExecution,
    context: AttemptContext,
    how: { readonly isResumed: boolean },
  ): Promise<JobChange | undefined> {
    const { session, backend } = context;
    const { stopped } = attempt;
    try {
      const change = await this.#changeOf(attempt, context, how);
      // Stopped: the process that resumes the job finds out.
      if (!change) return undefined;
      const { fencingToken } = session.job;
      const isStored = await this.writer.settle(session, (job) => stillValid(change, job, fencingToken));
      if (isStored) {
        this.failures.forget(backend, session.job);
        return change;
      }
      this.#logger.warn(`Job ${session.job.id}: the result of its attempt at ${backend.url} is discarded`);
    } catch (error) {
      if (!stopped.aborted)
        this.#logger.error(`Job ${session.job.id}: ${oneLine(toComfyUIError(error).message)}`, stackOf(error));
    }
    return undefined;
  }

  /** What the attempt makes of the job; undefined when it was stopped. */
  async #changeOf(
    attempt: AttemptExecution,
    context: AttemptContext,
    how: { readonly isResumed: boolean },
  ): Promise<JobChange | undefined> {
    await attempt.untilLeaseIsCertain();
    if (attempt.stopped.aborted) return undefined;
    try {
      return { kind: 'succeeded', outputs: await attempt.run(how) };
    } catch (error) {
      await attempt.untilLeaseIsCertain();
      return attempt.stopped.aborted ? undefined : await this.failures.consequence(context, error);
    }
  }

  #log({ id, status, error, outputs }: Job, change: JobChange, { url }: Backend): void {
    if (status === 'succeeded') this.#logger.log(`Job ${id} succeeded with ${outputs.length} files`);
    else if (status === 'canceled') this.#logger.log(`Job ${id} canceled`);
    else if (error)
      this.#logger.error(`Job ${id} ${status} (${error.code}: ${oneLine(error.message)})`, stackOf(error));
    else if (change.kind === 'requeued')
      this.#logger.warn(`Job ${id} returns to the queue from ${url}: ${oneLine(change.error.message)}`);
  }
}

/** Of runs that a node failed, only those return to the queue whose device failed. */
function earlierAttempts({ attempts }: Job): EarlierAttempts {
  const broken = attempts.filter(({ error }) => error?.code === 'execution_failed');
  return { failed: attempts.map(({ backend }) => backend), broken: broken.map(({ backend }) => backend) };
}

/** Since the attempt ended, the job may have moved on, or its cancellation may have been requested. */
function stillValid(change: JobChange, job: Job, fencingToken: number): JobChange | undefined {
  if (job.fencingToken !== fencingToken) return undefined;
  return change.kind === 'requeued' && job.cancelRequested ? canceled(job) : change;
}

/** Of internal errors only: the others are complete in their message. */
function stackOf(error: unknown): string | undefined {
  const { code, cause } = toComfyUIError(error);
  return code === 'internal_error' && cause instanceof Error ? cause.stack : undefined;
}

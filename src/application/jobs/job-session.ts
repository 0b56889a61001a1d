import { ComfyUIError } from '../../domain/errors';
import { attemptNumber, type CollectedFile, hasEnded, type Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import { activate, advance, type JobState } from '../../domain/job/job-state';
import type { Preview } from '../../domain/job/run-event';
import { Condition } from '../../shared/condition';
import type { TempFile } from '../../shared/temp-files/temp-file';
import type { JobSnapshot } from './job-event-bus';
import { OutputCache } from './output-cache';

/** While no backend is reachable a caller waits for one, or gets an error. */
export type WhenUnreachable = 'queue' | 'refuse';

/**
 * A job while this process runs it or a caller needs it: its current {@link JobState}, the bytes of its files, and the means to
 * wait for changes. Any number of callers hold it; after the last release its bytes are left to the storage.
 * @publicApi
 */
export class JobSession {
  readonly #outputs = new OutputCache();
  readonly #changed = new Condition();
  readonly #ended = new Condition();
  #job: JobState;
  #preview: Preview | undefined;
  #holders = 0;
  #isRunning = false;
  #interruption: ComfyUIError | undefined;
  #rejection: ComfyUIError | undefined;
  /** The job as it is in the database. */
  stored: Job;
  /** Whether a holder needs the bytes of its files. */
  needsBytes = false;

  /** @param onReleased called when no caller holds it any more, and again when its run here has ended */
  constructor(
    job: JobState,
    private readonly onReleased: (session: JobSession) => void,
  ) {
    this.#job = job;
    this.stored = job;
  }

  get job(): JobState {
    return this.#job;
  }

  /** The last preview of the current node. */
  get preview(): Preview | undefined {
    return this.#preview;
  }

  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** Whether the job runs in this process: then the session stays, held or not. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  hold(): void {
    this.#holders += 1;
  }

  /** Gives up one hold. */
  release(): void {
    this.#holders -= 1;
    this.#discardIfReleased();
  }

  beginRun(): void {
    this.#isRunning = true;
  }

  endRun(): void {
    this.#isRunning = false;
    this.#discardIfReleased();
  }

  /** Applies a change and notifies all waiters. */
  change(change: JobChange, now = Date.now()): void {
    const next = advance(this.#job, change, now);
    if (change.kind === 'preview') this.#preview = change.preview;
    if (next === this.#job && change.kind !== 'preview') return;
    this.#job = next;
    if (change.kind === 'assigned') this.#rejection = undefined;
    if (change.kind === 'requeued') this.#outputs.clear();
    if (change.kind === 'requeued' || hasEnded(next)) this.#preview = undefined;
    this.#notify();
  }

  /** Merges what another process or the database has, where it is newer. A cancellation that was requested here stays. */
  merge({ job, preview }: JobSnapshot): void {
    if (this.#isRunning || hasEnded(this.#job)) return;
    const isNew = job.revision > this.#job.revision;
    if (isNew && attemptNumber(job) !== attemptNumber(this.#job)) this.#preview = undefined;
    if (isNew) this.#set(this.#job.cancelRequested ? withCancelRequest(job) : job);
    if (preview && job.revision >= this.#job.revision) this.#preview = preview;
    if (isNew || preview) this.#notify();
  }

  /** Replaces the state by the stored one, for a run in this process. */
  replace(job: Job): void {
    if (job.revision === this.#job.revision && job.fencingToken === this.#job.fencingToken) return;
    this.#set(job);
    this.#notify();
  }

  /** Keeps the bytes of a collected file for the holders. */
  keep(file: CollectedFile, bytes: TempFile): void {
    if (this.isHeld) this.#outputs.add(file, bytes);
    else void bytes.discard();
  }

  holdsBytesOf(file: CollectedFile): boolean {
    return this.#outputs.has(file);
  }

  /** @throws ComfyUIError `not_found` once the bytes are discarded */
  bytesOf(file: CollectedFile): TempFile {
    return this.#outputs.get(file);
  }

  /** Rejects all waiters; the job goes on. */
  interrupt(error: ComfyUIError): void {
    this.#interruption = error;
    this.#notifyAll();
  }

  /** Rejects the waiters with `whenUnreachable: 'refuse'`: the job could not be sent, and no backend is reachable. */
  rejectWaiters({ code, message }: ComfyUIError): void {
    const { id: jobId } = this.#job;
    this.#rejection = new ComfyUIError(code, `${message} Job ${jobId} waits for it and goes on.`, { jobId });
    this.#notifyAll();
  }

  /**
   * Resolves with the ended job, whatever its end.
   * @throws ComfyUIError `timeout` after `timeoutMs`, `shutting_down`, `backend_unreachable` with `refuse`; the job goes on
   */
  ended(timeoutMs = Infinity, signal?: AbortSignal, whenUnreachable: WhenUnreachable = 'queue'): Promise<JobState> {
    const deadline = Date.now() + timeoutMs;
    const check = () => {
      if (hasEnded(this.#job)) return this.#job;
      this.throwIfRejected(whenUnreachable);
      signal?.throwIfAborted();
      if (Date.now() >= deadline) throw this.notInTime(timeoutMs / 1000);
      return undefined;
    };
    return this.#ended.waitFor(check, deadline, signal);
  }

  /** Resolves at the next change of the state or preview, after `ms`, or when the signal aborts. */
  changes(signal?: AbortSignal, ms = Infinity): Promise<void> {
    return this.#changed.wait(ms, signal);
  }

  /** Resolves when the condition holds, checked at each change. @throws ComfyUIError `shutting_down`; the signal's reason */
  async until(holds: (job: JobState) => boolean, signal?: AbortSignal): Promise<JobState> {
    while (!holds(this.#job)) {
      if (this.#interruption) throw this.#interruption;
      await this.#changed.wait(Infinity, signal);
      signal?.throwIfAborted();
    }
    return this.#job;
  }

  /** @throws ComfyUIError the reason for which waiters of this kind are rejected */
  throwIfRejected(whenUnreachable: WhenUnreachable): void {
    if (this.#interruption) throw this.#interruption;
    if (whenUnreachable === 'refuse' && this.#rejection) throw this.#rejection;
  }

  /** The error of a caller whose time is over. */
  notInTime(seconds: number): ComfyUIError {
    const { id, status } = this.#job;
    return new ComfyUIError('timeout', `Not done within ${seconds} s; job ${id} is ${status} and goes on.`, {
      jobId: id,
    });
  }

  #set(job: Job): void {
    this.#rejection = undefined;
    this.#job = activate(job, this.#job.workflow);
    this.stored = job;
    if (hasEnded(job)) this.#preview = undefined;
  }

  #notify(): void {
    this.#changed.notifyAll();
    if (hasEnded(this.#job)) this.#ended.notifyAll();
  }

  #notifyAll(): void {
    this.#changed.notifyAll();
    this.#ended.notifyAll();
  }

  #discardIfReleased(): void {
    if (this.isHeld) return;
    this.#outputs.clear();
    this.onReleased(this);
  }
}

function withCancelRequest(job: Job): Job {
  if (hasEnded(job)) return job;
  return { ...job, cancelRequested: true, status: job.status === 'running' ? 'canceling' : job.status };
}

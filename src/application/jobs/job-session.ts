import { ComfyUIError } from '../../domain/errors';
import { activate, type JobState, advance } from '../../domain/job/job-state';
import { attemptNumber, hasEnded, type CollectedFile, type Job } from '../../domain/job/job';
import type { JobChange } from '../../domain/job/job-change';
import type { JobEvent } from '../../domain/job/job-event';
import type { Preview } from '../../domain/job/run-event';
import { Condition } from '../../shared/condition';
import type { JobSnapshot } from './job-event-bus';
import type { TempFile } from '../assets/temp-files';

export interface EventOptions {
  /** Repeat the progress after this many milliseconds without news. */
  readonly repeatAfterMs?: number;
  readonly signal?: AbortSignal;
  readonly whenUnreachable?: WhenUnreachable;
}

/** What a caller does while no server can be reached: waits for one, or hears of it and goes. */
export type WhenUnreachable = 'queue' | 'refuse';

/** Who keeps live jobs. */
export interface Keeper {
  /** Resolves when the job is stored as it is now. */
  stored(session: JobSession): Promise<void>;
  /** It runs here from now on, or no longer. */
  share(session: JobSession): void;
  /** A file of it is in the storage. */
  collected(session: JobSession, file: CollectedFile): void;
  /** Nobody holds it any more, and it does not run. */
  forget(session: JobSession): void;
}

/**
 * A job while somebody needs it: the current {@link JobState}, the bytes it made so far, and the means to wait for more.
 * Any number of callers may hold it; when the last has let go, the bytes are left to the storage.
 */
export class JobSession {
  /** Made for the first: most of the jobs that callers wait for have none yet. */
  #files: Map<string, TempFile> | undefined;
  readonly #changed = new Condition();
  readonly #ended = new Condition();
  #job: JobState;
  #preview: Preview | undefined;
  #holders = 0;
  #isRunning = false;
  #interruption: ComfyUIError | undefined;
  #stranding: ComfyUIError | undefined;
  /** As it is in the store. */
  stored: Job;
  /** Whether somebody who holds it will need the bytes of its files. */
  needsBytes = false;
  /** Whether it is just being handed to a server: it is so by what is stored, perhaps, and does not run here yet. */
  isHanding = false;

  constructor(
    job: JobState,
    private readonly keeper: Keeper,
  ) {
    this.#job = job;
    this.stored = job;
  }

  get job(): JobState {
    return this.#job;
  }

  /** Resolves when the job is stored as it is now: a status that was told never goes back. */
  untilStored(): Promise<void> {
    return this.keeper.stored(this);
  }

  /** The last preview of the node at work. */
  get preview(): Preview | undefined {
    return this.#preview;
  }

  /** Whether a caller or viewer holds it. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** Applies a change and wakes everybody who waits. */
  change(change: JobChange, now = Date.now()): void {
    const next = advance(this.#job, change, now);
    if (change.kind === 'preview') this.#preview = change.preview;
    if (next === this.#job && change.kind !== 'preview') return;
    this.#job = next;
    if (change.kind === 'assigned') this.#stranding = undefined;
    if (change.kind === 'requeued') this.#discardFiles();
    if (change.kind === 'requeued' || hasEnded(next)) this.#preview = undefined;
    this.#changed.notifyAll();
    if (hasEnded(next)) this.#ended.notifyAll();
    if (change.kind === 'collected') this.keeper.collected(this, change.file);
  }

  /** Keeps the bytes of a collected file for those who wait, unless it has them: somebody may just be reading those. */
  keep({ assetId }: CollectedFile, bytes: TempFile): void {
    this.#files ??= new Map();
    if (this.#holders === 0 || this.#files.has(assetId)) void bytes.discard();
    else this.#files.set(assetId, bytes);
  }

  holdsBytesOf({ assetId }: CollectedFile): boolean {
    return this.#files?.has(assetId) ?? false;
  }

  /** @throws ComfyUIError `not_found` once the files are gone */
  bytesOf(file: CollectedFile): TempFile {
    const bytes = this.#files?.get(file.assetId);
    if (!bytes)
      throw new ComfyUIError('not_found', `The bytes of ${file.filename} are no longer held.`, { jobId: this.#job.id });
    return bytes;
  }

  hold(): void {
    this.#holders += 1;
  }

  /** Gives up one hold. */
  release(): void {
    this.#holders -= 1;
    this.#letGoIfUnused();
  }

  /** Whether it runs in this process: then it is needed, whether somebody holds it or not. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  set isRunning(isRunning: boolean) {
    this.#isRunning = isRunning;
    this.keeper.share(this);
    this.#letGoIfUnused();
  }

  /** Takes over what is known of it elsewhere, when that is newer. A wish to cancel it that was made here stays. */
  see({ job, preview }: JobSnapshot): void {
    if (this.#isRunning || hasEnded(this.#job)) return;
    const isNew = job.revision > this.#job.revision;
    if (isNew && attemptNumber(job) !== attemptNumber(this.#job)) this.#preview = undefined;
    if (isNew) this.#become(this.#job.cancelRequested ? withCancelRequest(job) : job);
    if (preview && job.revision >= this.#job.revision) this.#preview = preview;
    if (isNew || preview) this.#changed.notifyAll();
    if (hasEnded(this.#job)) this.#ended.notifyAll();
  }

  /** Becomes what is stored of it, to be run here. */
  become(job: Job): void {
    if (job.revision === this.#job.revision && job.fencingToken === this.#job.fencingToken) return;
    this.#become(job);
    this.#changed.notifyAll();
  }

  /** Sends everybody who waits away with an error; the job itself goes on. */
  interrupt(error: ComfyUIError): void {
    this.#interruption = error;
    this.#changed.notifyAll();
    this.#ended.notifyAll();
  }

  /** It could not be handed over, and no server can be reached: sends away who would not wait for one. */
  rejectWaiters({ code, message }: ComfyUIError): void {
    const { id: jobId } = this.#job;
    this.#stranding = new ComfyUIError(code, `${message} Job ${jobId} waits for it and goes on.`, { jobId });
    this.#changed.notifyAll();
    this.#ended.notifyAll();
  }

  /**
   * Resolves with the ended job, whatever its end.
   * @throws ComfyUIError `timeout` after `timeoutMs`, `shutting_down`, `backend_unreachable` with `refuse`; the job goes on
   */
  ended(timeoutMs = Infinity, signal?: AbortSignal, whenUnreachable: WhenUnreachable = 'queue'): Promise<JobState> {
    const deadline = Date.now() + timeoutMs;
    const look = () => {
      if (hasEnded(this.#job)) return this.#job;
      this.#sendAway(whenUnreachable);
      signal?.throwIfAborted();
      if (Date.now() >= deadline) throw this.notInTime(timeoutMs / 1000);
      return undefined;
    };
    return this.#ended.until(look, deadline, signal);
  }

  /** Resolves when anything of it changes, or the signal is aborted. */
  changes(signal: AbortSignal): Promise<void> {
    return this.#changed.next(Infinity, signal);
  }

  /** Resolves when the condition holds, looking at each change. @throws ComfyUIError `shutting_down` */
  async until(holds: (job: JobState) => boolean, signal?: AbortSignal): Promise<JobState> {
    while (!holds(this.#job)) {
      if (this.#interruption) throw this.#interruption;
      await this.#changed.next(Infinity, signal);
      signal?.throwIfAborted();
    }
    return this.#job;
  }

  /** The error of a caller that waited so long and goes without. */
  notInTime(seconds: number): ComfyUIError {
    const { id, status } = this.#job;
    return new ComfyUIError('timeout', `Not done within ${seconds} s; job ${id} is ${status} and goes on.`, {
      jobId: id,
    });
  }

  /**
   * What happens from now on, starting with what already has; ends with the job. A slow reader skips intermediate
   * progress and previews, and misses no status and no output: each turn compares what it was told with what is. Of statuses
   * and outputs it hears when they are stored.
   * @throws ComfyUIError `shutting_down`, `backend_unreachable` with `refuse`; the job goes on
   */
  async *events({ repeatAfterMs = Infinity, signal, whenUnreachable = 'queue' }: EventOptions = {}): AsyncGenerator<
    JobEvent,
    void,
    undefined
  > {
    let told: { job?: JobState; preview?: Preview; outputs: Set<string> } = { outputs: new Set() };
    for (;;) {
      const job = this.#job;
      const preview = this.#preview;
      if (told.job && attemptNumber(job) !== attemptNumber(told.job)) told.outputs.clear();
      if (job.status !== told.job?.status) {
        await this.untilStored();
        yield { kind: 'status', job };
      } else if (job === told.job || job.progress !== told.job.progress) yield { kind: 'progress', job };
      if (preview && preview !== told.preview) yield { kind: 'preview', job, preview };
      const untold = job.outputs.filter(({ assetId }) => !told.outputs.has(assetId));
      if (untold.length > 0) await this.untilStored();
      for (const file of untold) {
        told.outputs.add(file.assetId);
        yield { kind: 'output', job, file };
      }
      if (hasEnded(job)) return;
      this.#sendAway(whenUnreachable);
      told = { ...told, job, preview };
      if (this.#job === job && this.#preview === preview) await this.#changed.next(repeatAfterMs, signal);
      if (signal?.aborted) return;
    }
  }

  #sendAway(whenUnreachable: WhenUnreachable): void {
    if (this.#interruption) throw this.#interruption;
    if (whenUnreachable === 'refuse' && this.#stranding) throw this.#stranding;
  }

  #become(job: Job): void {
    this.#stranding = undefined;
    this.#job = activate(job, this.#job.workflow);
    this.stored = job;
    if (hasEnded(job)) this.#preview = undefined;
  }

  #letGoIfUnused(): void {
    if (this.#holders > 0) return;
    this.#discardFiles();
    if (!this.#isRunning) this.keeper.forget(this);
  }

  #discardFiles(): void {
    for (const file of this.#files?.values() ?? []) void file.discard();
    this.#files = undefined;
  }
}

function withCancelRequest(job: Job): Job {
  if (hasEnded(job)) return job;
  return { ...job, cancelRequested: true, status: job.status === 'running' ? 'canceling' : job.status };
}

import { ComfyUIError } from '../domain/errors';
import { advance, hasEnded, type CollectedFile, type Job, type JobChange, type JobEvent } from '../domain/job/job';
import { outputKey } from '../domain/job/outputs';
import type { Preview } from '../domain/job/run-event';
import { Bell } from './bell';
import type { SpooledFile } from './ports/spool';

export interface EventOptions {
  /** Repeat the progress after this many milliseconds without news. */
  readonly repeatAfterMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A job while somebody needs it: the current {@link Job}, the files it made so far, and the means to wait for more.
 * Any number of callers may watch; the files go when the job has ended and the last holder let go.
 */
export class LiveJob {
  readonly #files = new Map<string, SpooledFile>();
  readonly #changed = new Bell();
  readonly #ended = new Bell();
  #job: Job;
  #preview: Preview | undefined;
  #holders = 1;

  constructor(job: Job) {
    this.#job = job;
  }

  get job(): Job {
    return this.#job;
  }

  /** Applies a change and wakes everybody who waits. */
  change(change: JobChange): void {
    const next = advance(this.#job, change, Date.now());
    if (change.kind === 'preview') this.#preview = change.preview;
    if (next === this.#job && change.kind !== 'preview') return;
    this.#job = next;
    this.#changed.ring();
    if (!hasEnded(next)) return;
    this.#preview = undefined;
    this.#ended.ring();
    this.#discardIfUnused();
  }

  /** Keeps the bytes of a collected file; the job owns them from now on. */
  keep(file: CollectedFile, bytes: SpooledFile): void {
    const key = outputKey(file);
    void this.#files.get(key)?.discard();
    this.#files.set(key, bytes);
    this.#discardIfUnused();
  }

  /** @throws ComfyUIError `not_found` once the files are gone */
  bytesOf(file: CollectedFile): SpooledFile {
    const bytes = this.#files.get(outputKey(file));
    if (!bytes)
      throw new ComfyUIError('not_found', `The bytes of ${file.filename} are no longer held.`, { jobId: this.#job.id });
    return bytes;
  }

  /** Gives up one hold; the one the job is born with belongs to whoever submitted it. */
  release(): void {
    this.#holders -= 1;
    this.#discardIfUnused();
  }

  /**
   * Resolves with the ended job, whatever its end.
   * @throws ComfyUIError `timeout` after `timeoutMs`; the job goes on
   */
  async ended(timeoutMs = Infinity, signal?: AbortSignal): Promise<Job> {
    const deadline = Date.now() + timeoutMs;
    while (!hasEnded(this.#job)) {
      const left = deadline - Date.now();
      if (left <= 0) throw this.notInTime(timeoutMs / 1000);
      await this.#ended.next(left, signal);
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
   * progress and previews, and misses no status and no output: each turn compares what it was told with what is.
   */
  async *events({ repeatAfterMs = Infinity, signal }: EventOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
    let told: { job?: Job; preview?: Preview; outputs: Set<string> } = { outputs: new Set() };
    for (;;) {
      const job = this.#job;
      const preview = this.#preview;
      if (told.job && job.attempt !== told.job.attempt) told.outputs.clear();
      if (job.status !== told.job?.status) yield { kind: 'status', job };
      else if (job === told.job || job.progress !== told.job.progress) yield { kind: 'progress', job };
      if (preview && preview !== told.preview) yield { kind: 'preview', job, preview };
      yield* untold(job, told.outputs);
      if (hasEnded(job)) return;
      told = { ...told, job, preview };
      if (this.#job === job && this.#preview === preview) await this.#changed.next(repeatAfterMs, signal);
      if (signal?.aborted) return;
    }
  }

  #discardIfUnused(): void {
    if (this.#holders > 0 || !hasEnded(this.#job)) return;
    for (const file of this.#files.values()) void file.discard();
    this.#files.clear();
  }
}

function* untold(job: Job, told: Set<string>): Generator<JobEvent, void, undefined> {
  for (const file of job.outputs) {
    const key = outputKey(file);
    if (told.has(key)) continue;
    told.add(key);
    yield { kind: 'output', job, file };
  }
}

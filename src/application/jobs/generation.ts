import { type CollectedFile, hasEnded } from '../../domain/job/job';
import type { DeliveryOptions, FileDelivery } from '../assets/file-delivery';
import type { GeneratedFile } from '../assets/generated-file';
import { GenerationResult } from './generation-result';
import type { JobSession, WhenUnreachable } from './job-session';

/** How a caller waits for a result. @publicApi */
export interface WaitOptions extends DeliveryOptions {
  /** How long to wait, seconds; default: without limit. The job goes on after a time-out. */
  readonly timeoutSeconds?: number;
  /** Stops waiting; the job goes on. */
  readonly signal?: AbortSignal;
  /** Whether to wait for a server when none can be reached any more; default `queue`. */
  readonly whenUnreachable?: WhenUnreachable;
}

/**
 * A job and one caller that waits for its result. Thousands of callers may wait: until the job ends, each costs this object and
 * as few suspended functions and promises as possible.
 */
export class Generation {
  /** Created with the first file. */
  #files: Map<string, Promise<GeneratedFile>> | undefined;

  /** @param session held once for this caller, until {@link end} */
  constructor(
    readonly session: JobSession,
    private readonly options: WaitOptions,
    private readonly delivery: FileDelivery,
  ) {
    const { withBytes = true, transform } = options;
    if (withBytes || transform) session.needsBytes = true;
  }

  /** Aborted when the caller left. */
  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get timeoutSeconds(): number {
    return this.options.timeoutSeconds ?? Infinity;
  }

  /**
   * Waits for the job and its files.
   * @throws ComfyUIError the job's own error, or `timeout`, `shutting_down`, `backend_unreachable` with `refuse`: then it goes
   * on; the reason of the signal, also for errors that the abort causes
   */
  async result(): Promise<GenerationResult> {
    const { signal, timeoutSeconds } = this;
    try {
      await this.session.ended(timeoutSeconds * 1000, signal, this.options.whenUnreachable);
      return await this.collect();
    } catch (error) {
      this.#releaseFiles();
      signal?.throwIfAborted();
      throw error;
    }
  }

  /**
   * The result of the ended job.
   * @throws ComfyUIError the job's own error; `timeout` where it has not ended; as {@link file}
   */
  async collect(): Promise<GenerationResult> {
    const { job } = this.session;
    if (!hasEnded(job)) throw this.session.notInTime(this.timeoutSeconds);
    if (job.error) throw job.error;
    const files = await Promise.all(job.outputs.map((file) => this.file(file)));
    return new GenerationResult(job, files, () => this.end());
  }

  /** One file of the job, prepared once. @throws as `FileDelivery.deliver` */
  file(file: CollectedFile): Promise<GeneratedFile> {
    this.#files ??= new Map();
    const delivered = this.#files.get(file.assetId) ?? this.#deliver(file);
    this.#files.set(file.assetId, delivered);
    return delivered;
  }

  /** Gives up the files and the job. Call it once. */
  end(): void {
    this.#releaseFiles();
    this.session.release();
  }

  /** Files that are still being prepared are released when they are ready. */
  #releaseFiles(): void {
    for (const delivered of this.#files?.values() ?? [])
      void delivered.then(
        (file) => file.release(),
        () => undefined,
      );
    this.#files = undefined;
  }

  /** With a signal of its own: an event target warns of more than ten listeners. */
  #deliver(file: CollectedFile): Promise<GeneratedFile> {
    const signal = this.signal ? AbortSignal.any([this.signal]) : new AbortController().signal;
    return this.delivery.deliver(this.session, file, this.options, signal);
  }
}

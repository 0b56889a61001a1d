import { Inject, Injectable } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { executionFailure } from '../../domain/job/execution-failure';
import { attemptNumber, type CollectedFile, currentAttempt } from '../../domain/job/job';
import type { RunEvent } from '../../domain/job/run-event';
import { describeNodeErrors } from '../../domain/workflow/node-errors';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { Timing } from '../../options/timing';
import { sleep, timerMs } from '../../shared/sleep';
import type { Backend, Slot } from '../backends/backend';
import type { HistoryRecord } from '../backends/comfyui-client';
import type { JobSession } from '../jobs/job-session';
import { JobWriter } from '../jobs/job-writer';
import { ShutdownState } from '../maintenance/shutdown-state';
import { OutputCollector } from './output-collector';
import { type FetchedFile, OutputFetcher } from './output-fetcher';
import { PromptMonitor } from './prompt-monitor';

/** A job, and its slot on a backend. */
export interface AttemptContext {
  readonly session: JobSession;
  readonly backend: Backend;
  readonly slot: Slot;
}

/** One error for all attempts: it is only a signal's reason. */
const ENDED = new ComfyUIError('canceled', 'The attempt has ended.');

/** Creates the executions of attempts. */
@Injectable()
export class Attempts {
  constructor(
    readonly writer: JobWriter,
    readonly fetcher: OutputFetcher,
    @Inject(RESOLVED_OPTIONS) readonly options: ResolvedComfyUIOptions,
    readonly timing: Timing,
    private readonly shutdown: ShutdownState,
  ) {}

  /** Stopped when the process ends or loses the lease: then the prompt goes on, and another process resumes the job. */
  create(context: AttemptContext): AttemptExecution {
    const stopped = AbortSignal.any([this.shutdown.over, context.backend.lease.lost]);
    return new AttemptExecution(context, this, stopped);
  }
}

/** One attempt of a job on its backend, from the prompt to the files. */
export class AttemptExecution {
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #prompt: PromptMonitor;
  readonly #collector: OutputCollector;
  #deadline: NodeJS.Timeout | undefined;
  #isCanceling = false;

  constructor(
    private readonly context: AttemptContext,
    private readonly tools: Attempts,
    readonly stopped: AbortSignal,
  ) {
    const { session, backend, slot } = context;
    this.#signal = AbortSignal.any([stopped, this.#ended.signal]);
    const promptId = currentAttempt(session.job)?.promptId ?? session.job.id;
    const hooks = { onEvent: (event: RunEvent) => this.#observe(event), onEnded: () => slot.release() };
    this.#prompt = new PromptMonitor(backend.client, promptId, hooks, tools.timing.prompt);
    const keep = (fetched: FetchedFile) => this.#keep(fetched);
    this.#collector = new OutputCollector(tools.fetcher, backend.client, session, keep, this.#signal);
  }

  /**
   * Submits the prompt, or finds the one that was submitted earlier, and follows it to its end.
   * @returns the files of the result
   * @throws ComfyUIError why there is no result
   */
  async run({ isResumed }: { readonly isResumed: boolean }): Promise<CollectedFile[]> {
    const { session, backend, slot } = this.context;
    this.#setDeadline();
    try {
      if (isResumed) await this.#prompt.resume(currentAttempt(session.job)?.clientId ?? null);
      else await backend.use(() => this.#submit());
      if (session.job.cancelRequested) this.cancel();
      return await this.#collect(await this.#prompt.outcome(this.#signal));
    } catch (error) {
      throw this.#ended.signal.aborted ? this.#ended.signal.reason : error;
    } finally {
      this.#prompt.close();
      clearTimeout(this.#deadline);
      this.#ended.abort(ENDED);
      slot.release();
    }
  }

  /** Asks ComfyUI to remove or interrupt the prompt, repeatedly until the run is over. */
  cancel(): void {
    if (this.#isCanceling) return;
    this.#isCanceling = true;
    void this.#keepCanceling();
  }

  /**
   * Resolves when the lease of the backend is certainly held, or the attempt is stopped: a process that was frozen draws wrong
   * conclusions, and its prompt may be another's by now.
   */
  async untilLeaseIsCertain(): Promise<void> {
    const { lease } = this.context.backend;
    while (!lease.isCertain && !this.stopped.aborted) await sleep(this.tools.timing.lease.recheck, this.stopped);
  }

  async #submit(): Promise<void> {
    const { session, backend } = this.context;
    const { id, workflow, allowPartial } = session.job;
    const extraData = { job_id: id, attempt: attemptNumber(session.job) };
    const submission = await this.#prompt.submit({ workflow, extraData }, this.#signal);
    this.tools.writer.note(session, { kind: 'accepted', ...submission });
    if (allowPartial || Object.keys(submission.nodeErrors).length === 0) return;
    await backend.client.cancel(submission.promptId, this.#signal);
    const message = `ComfyUI would run only a part of the workflow, so it was canceled. ${describeNodeErrors(submission.nodeErrors)}`;
    throw new ComfyUIError('invalid_workflow', message, { details: { nodeErrors: submission.nodeErrors } });
  }

  async #collect({ outcome, outputs, cached }: HistoryRecord): Promise<CollectedFile[]> {
    const { session, slot } = this.context;
    slot.release();
    this.#observe({ kind: 'started' });
    clearTimeout(this.#deadline);
    if (outcome.kind === 'failed') throw executionFailure(outcome.failure);
    if (outcome.kind === 'interrupted') throw new ComfyUIError('canceled', 'The run was interrupted.');
    if (cached.length > 0) session.change({ kind: 'cached', nodeIds: cached });
    for (const [nodeId, output] of outputs) this.#collector.observe(nodeId, output);
    session.change({ kind: 'texts', texts: this.#collector.texts() });
    return this.#collector.files();
  }

  #keep({ file, bytes }: FetchedFile): void {
    const { session } = this.context;
    session.keep(file, bytes);
    this.tools.writer.note(session, { kind: 'collected', file });
  }

  #observe(event: RunEvent): void {
    const { session } = this.context;
    if (event.kind !== 'started') session.change(event);
    else if (currentAttempt(session.job)?.startedAt === undefined) {
      this.tools.writer.note(session, event);
      this.#setDeadline();
    }
    if (event.kind === 'executed') this.#collector.observe(event.nodeId, event.output);
  }

  /** A job may wait only so long to start, and an attempt may run only so long. */
  #setDeadline(): void {
    clearTimeout(this.#deadline);
    const { job } = this.context.session;
    const { runTimeout } = this.tools.options;
    const startedAt = currentAttempt(job)?.startedAt;
    if (startedAt !== undefined)
      this.#expireAt(startedAt + runTimeout * 1000, `It ran for longer than its time-out of ${runTimeout} s.`);
    else if (job.startBy !== null && job.status === 'queued')
      this.#expireAt(job.startBy, 'It did not start within its queue time-out.');
  }

  #expireAt(at: number, message: string): void {
    const expire = () => this.#ended.abort(new ComfyUIError('expired', message));
    this.#deadline = setTimeout(expire, timerMs(at - Date.now()));
  }

  async #keepCanceling(): Promise<void> {
    const { session, backend } = this.context;
    while (!this.#signal.aborted) {
      const promptId = currentAttempt(session.job)?.promptId ?? session.job.id;
      await backend.client.cancel(promptId, this.#signal).catch((error: unknown) => toComfyUIError(error));
      this.#prompt.lookUp();
      await sleep(this.tools.timing.repeatCancel, this.#signal);
    }
  }
}

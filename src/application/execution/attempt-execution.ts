import { ComfyUIError, toComfyUIError } from '../../domain/errors';
import { attemptNumber, currentAttempt, type CollectedFile } from '../../domain/job/job';
import type { RunEvent } from '../../domain/job/run-event';
import { executionFailure } from '../../domain/job/execution-failure';
import { describeNodeErrors } from '../../domain/workflow/node-errors';
import type { Backend, Slot } from '../backends/backend';
import type { JobWriter } from '../jobs/job-writer';
import type { JobSession } from '../jobs/job-session';
import { OutputCollector } from './output-collector';
import type { OutputFetcher } from './output-fetcher';
import type { HistoryRecord } from '../backends/comfyui-client';
import { PromptMonitor } from './prompt-monitor';
import { sleep, timerMs } from '../../shared/sleep';

/** A job, and the place on a server it was given. */
export interface AttemptContext {
  readonly session: JobSession;
  readonly backend: Backend;
  readonly slot: Slot;
}

export interface AttemptTools {
  readonly writer: JobWriter;
  readonly fetcher: OutputFetcher;
  readonly runTimeoutMs: number;
  /** Aborted when the service stops: the prompt goes on, and so does the job at the next start. */
  readonly stopped: AbortSignal;
}

const CANCEL_AGAIN_MS = 2_000;
/** Nobody sees it: it spares making an error for each attempt. */
const OVER = new ComfyUIError('canceled', 'The attempt is over.');

/** One attempt of a job on the server it was handed to, from the prompt to the files. */
export class AttemptExecution {
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #prompt: PromptMonitor;
  readonly #collector: OutputCollector;
  #clock: NodeJS.Timeout | undefined;
  #isCanceling = false;

  constructor(
    private readonly assignment: AttemptContext,
    private readonly tools: AttemptTools,
  ) {
    const { session, backend, slot } = assignment;
    this.#signal = AbortSignal.any([tools.stopped, this.#over.signal]);
    this.#prompt = new PromptMonitor(backend.client, currentAttempt(session.job)?.promptId ?? session.job.id, {
      onEvent: (event) => this.#observe(event),
      onEnded: () => slot.release(),
    });
    this.#collector = new OutputCollector(
      tools.fetcher,
      backend.client,
      session,
      (fetched) => {
        session.keep(fetched.file, fetched.bytes);
        tools.writer.note(session, { kind: 'collected', file: fetched.file });
      },
      this.#signal,
    );
  }

  /**
   * Submits the prompt, or takes up the one that the process before submitted, and follows it to its end.
   * @returns the files that count
   * @throws ComfyUIError whatever kept it from an end
   */
  async files({ isAdopted }: { readonly isAdopted: boolean }): Promise<CollectedFile[]> {
    const { session, backend, slot } = this.assignment;
    this.#setClock();
    try {
      if (isAdopted) await this.#prompt.adopt(currentAttempt(session.job)?.clientId ?? null);
      else await backend.use(() => this.#submit());
      if (session.job.cancelRequested) this.cancel();
      return await this.#collect(await this.#prompt.outcome(this.#signal));
    } catch (error) {
      throw this.#over.signal.aborted ? this.#over.signal.reason : error;
    } finally {
      this.#prompt.close();
      clearTimeout(this.#clock);
      this.#over.abort(OVER);
      slot.release();
    }
  }

  /** Asks ComfyUI to take the prompt out of its queue or to interrupt it, again and again until the run is over. */
  cancel(): void {
    if (this.#isCanceling) return;
    this.#isCanceling = true;
    void this.#keepCanceling();
  }

  async #submit(): Promise<void> {
    const { session, backend } = this.assignment;
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
    const { session } = this.assignment;
    this.assignment.slot.release();
    this.#observe({ kind: 'started' });
    clearTimeout(this.#clock);
    if (outcome.kind === 'failed') throw executionFailure(outcome.failure);
    if (outcome.kind === 'interrupted') throw new ComfyUIError('canceled', 'The run was interrupted.');
    if (cached.length > 0) session.change({ kind: 'cached', nodeIds: cached });
    for (const [nodeId, output] of outputs) this.#collector.observe(nodeId, output);
    session.change({ kind: 'texts', texts: this.#collector.texts() });
    return this.#collector.files();
  }

  #observe(event: RunEvent): void {
    const { session } = this.assignment;
    if (event.kind !== 'started') session.change(event);
    else if (currentAttempt(session.job)?.startedAt === undefined) {
      this.tools.writer.note(session, event);
      this.#setClock();
    }
    if (event.kind === 'executed') this.#collector.observe(event.nodeId, event.output);
  }

  /** A job may wait only so long to start, and an attempt may run only so long. */
  #setClock(): void {
    clearTimeout(this.#clock);
    const { job } = this.assignment.session;
    const runsSince = currentAttempt(job)?.startedAt;
    if (runsSince !== undefined) {
      const seconds = this.tools.runTimeoutMs / 1000;
      this.#expireAt(runsSince + this.tools.runTimeoutMs, `It ran for longer than ${seconds} s (RUN_TIMEOUT).`);
    } else if (job.startBy !== null && job.status === 'queued') {
      this.#expireAt(job.startBy, 'It did not start in time (QUEUE_TIMEOUT).');
    }
  }

  #expireAt(at: number, message: string): void {
    this.#clock = setTimeout(() => this.#over.abort(new ComfyUIError('expired', message)), timerMs(at - Date.now()));
  }

  async #keepCanceling(): Promise<void> {
    const { session, backend } = this.assignment;
    while (!this.#signal.aborted) {
      const promptId = currentAttempt(session.job)?.promptId ?? session.job.id;
      await backend.client.cancel(promptId, this.#signal).catch((error: unknown) => toComfyUIError(error));
      this.#prompt.nudge();
      await sleep(CANCEL_AGAIN_MS, this.#signal);
    }
  }
}

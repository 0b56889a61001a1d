import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { ComfyUIError, toComfyUIError } from '../domain/errors';
import type { CollectedFile } from '../domain/job/job';
import type { ExecutionFailure, RunEvent } from '../domain/job/run-event';
import { oneLine } from '../domain/text';
import { describeNodeErrors } from '../domain/workflow/node-errors';
import type { LiveJob } from './live-job';
import { OutputCollector } from './output-collector';
import { OutputFetcher } from './output-fetcher';
import { ComfyUIClient, type HistoryRecord, type Submission } from './ports/comfyui-client';
import { PromptRun } from './prompt-run';
import { sleep } from './sleep';

export interface RunOptions {
  /** Run what ComfyUI accepts of a workflow it accepts only in part. */
  readonly allowPartial: boolean;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

/** ComfyUI frees memory between prompts, an idle one when its worker wakes up; nothing tells when that was. */
const FREE_MEMORY_PAUSE_MS = 300;

/** Takes a job from submission to its end. */
@Injectable()
export class JobRunner {
  readonly #logger = new Logger(JobRunner.name);

  constructor(
    private readonly client: ComfyUIClient,
    private readonly fetcher: OutputFetcher,
  ) {}

  /** Never rejects: how it went is in the job. */
  async run(live: LiveJob, options: RunOptions): Promise<void> {
    this.#logger.log(`Job ${live.job.id}: ${Object.keys(live.job.workflow).length} nodes`);
    try {
      live.change({ kind: 'succeeded', outputs: await this.#runWithFiles(live, options) });
      this.#logger.log(`Job ${live.job.id} succeeded with ${live.job.outputs.length} files`);
    } catch (error) {
      this.#fail(live, options.signal.aborted ? shuttingDown() : error);
    }
  }

  /** A cached run repeats old file names; when such a file is gone, ComfyUI forgets its cache and runs once more. */
  async #runWithFiles(live: LiveJob, options: RunOptions): Promise<CollectedFile[]> {
    try {
      return await this.#attempt(live, options);
    } catch (error) {
      if (!isStale(error, live)) throw error;
      this.#logger.warn(`Job ${live.job.id}: ${error.message} Running it again without ComfyUI's cache.`);
    }
    await this.client.freeMemory(options.signal);
    await sleep(FREE_MEMORY_PAUSE_MS, options.signal);
    live.change({ kind: 'attempt', promptId: randomUUID() });
    return this.#attempt(live, options);
  }

  async #attempt(live: LiveJob, options: RunOptions): Promise<CollectedFile[]> {
    const { id, promptId, workflow, attempt } = live.job;
    const over = new AbortController();
    const collector = new OutputCollector(this.fetcher, live, AbortSignal.any([options.signal, over.signal]));
    const extraData = { job_id: id, attempt };
    const run = new PromptRun(this.client, { promptId, workflow, extraData }, (event) =>
      observe(event, live, collector),
    );
    try {
      await this.#accept(live, await run.submit(options.signal), options);
      const record = await run.outcome(options.signal);
      return await this.#finish(live, record, collector);
    } finally {
      run.close();
      over.abort();
    }
  }

  async #accept(live: LiveJob, submission: Submission, { allowPartial, signal }: RunOptions): Promise<void> {
    if (submission.promptId !== live.job.promptId) live.change({ kind: 'renamed', promptId: submission.promptId });
    if (live.job.status === 'canceling') await this.client.cancel(submission.promptId, signal);
    if (allowPartial || Object.keys(submission.nodeErrors).length === 0) return;
    await this.client.cancel(submission.promptId, signal);
    const message = `ComfyUI would run only a part of the workflow, so it was canceled. ${describeNodeErrors(submission.nodeErrors)}`;
    throw new ComfyUIError('invalid_workflow', message, { details: { nodeErrors: submission.nodeErrors } });
  }

  async #finish(
    live: LiveJob,
    { outcome, outputs, cached }: HistoryRecord,
    collector: OutputCollector,
  ): Promise<CollectedFile[]> {
    if (outcome.kind === 'failed') throw executionFailed(outcome.failure);
    if (outcome.kind === 'interrupted') throw new ComfyUIError('canceled', 'The run was interrupted.');
    if (cached.length > 0) live.change({ kind: 'cached', nodeIds: cached });
    for (const [nodeId, output] of outputs) collector.observe(nodeId, output);
    live.change({ kind: 'texts', texts: collector.texts() });
    return collector.files();
  }

  #fail(live: LiveJob, thrown: unknown): void {
    const error = toComfyUIError(thrown).forJob(live.job.id);
    const isCanceled = error.code === 'canceled' || (live.job.status === 'canceling' && error.code === 'backend_lost');
    if (isCanceled) {
      const canceled = new ComfyUIError('canceled', 'The job was canceled.', { jobId: live.job.id });
      live.change({ kind: 'canceling' });
      live.change({ kind: 'canceled', error: canceled });
      this.#logger.log(`Job ${live.job.id} canceled`);
      return;
    }
    live.change({ kind: 'failed', error });
    const stack = error.code === 'internal_error' && error.cause instanceof Error ? error.cause.stack : undefined;
    this.#logger.error(`Job ${live.job.id} failed (${error.code}): ${oneLine(error.message)}`, stack);
  }
}

function observe(event: RunEvent, live: LiveJob, collector: OutputCollector): void {
  live.change(event);
  if (event.kind === 'executed') collector.observe(event.nodeId, event.output);
}

/** Whether a missing file is one that ComfyUI only remembers from an earlier run. */
function isStale(error: unknown, live: LiveJob): error is ComfyUIError {
  if (!(error instanceof ComfyUIError) || error.code !== 'output_missing') return false;
  return live.job.run.cached.has(String(error.details?.nodeId));
}

function executionFailed({ nodeId, classType, message, exceptionType, traceback }: ExecutionFailure): ComfyUIError {
  const details = { nodeId, classType, exceptionType, traceback };
  const reason = oneLine(message, 1000) || exceptionType;
  const isOutOfMemory = /OutOfMemoryError|CUDA out of memory|HIP out of memory/.test(`${exceptionType} ${message}`);
  const code = isOutOfMemory ? 'out_of_memory' : 'execution_failed';
  const told = isOutOfMemory ? `ran out of memory: ${reason}` : `failed: ${reason}`;
  return new ComfyUIError(code, `Node ${oneLine(nodeId, 60)} (${oneLine(classType, 100)}) ${told}`, { details });
}

function shuttingDown(): ComfyUIError {
  return new ComfyUIError('shutting_down', 'The service is shutting down; the job was not finished.');
}

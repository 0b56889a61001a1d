import { randomUUID } from 'node:crypto';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ComfyUIError } from '../domain/errors';
import { hasEnded, newJob } from '../domain/job/job';
import { parseWorkflow } from '../domain/workflow/parse-workflow';
import { GenerationResult } from './generation-result';
import { JobRunner } from './job-runner';
import { LiveJob } from './live-job';
import { sleep } from './sleep';
import { ComfyUIClient, type Submission } from './ports/comfyui-client';

export interface GenerationRequest {
  /** A workflow in ComfyUI's API format; checked, so it may come straight from outside. */
  readonly workflow: unknown;
  /** Run what ComfyUI accepts of a workflow it accepts only in part; default false: such a run is canceled. */
  readonly allowPartial?: boolean;
}

export interface WaitOptions {
  /** How long to wait, seconds; default: as long as it takes. The job goes on after a time-out. */
  readonly timeoutSeconds?: number;
  /** Stops waiting. */
  readonly signal?: AbortSignal;
}

/** Enough to write an error to everybody who waits. */
const FAREWELL_MS = 100;

/** Runs workflows as jobs. */
@Injectable()
export class GenerationService implements BeforeApplicationShutdown {
  /** Each run with what stops it. */
  readonly #running = new Map<Promise<void>, AbortController>();
  #isShuttingDown = false;

  constructor(
    private readonly runner: JobRunner,
    private readonly client: ComfyUIClient,
  ) {}

  /**
   * Starts a job and returns it at once. The caller holds its files and lets go with `release()`.
   * @throws ComfyUIError `invalid_request`, `shutting_down`
   */
  submit({ workflow, allowPartial = false }: GenerationRequest): LiveJob {
    if (this.#isShuttingDown)
      throw new ComfyUIError('shutting_down', 'The service is shutting down and takes no new jobs.');
    const live = new LiveJob(newJob(randomUUID(), parseWorkflow(workflow), Date.now()));
    const stop = new AbortController();
    const run = this.runner.run(live, { allowPartial, signal: stop.signal }).finally(() => this.#running.delete(run));
    this.#running.set(run, stop);
    return live;
  }

  /**
   * Runs a workflow and waits for what it makes; `discard()` the result when its bytes are used.
   * @throws ComfyUIError what ended the job, or `timeout`
   */
  async generate(request: GenerationRequest, { timeoutSeconds, signal }: WaitOptions = {}): Promise<GenerationResult> {
    const live = this.submit(request);
    try {
      return await this.result(live, { timeoutSeconds, signal });
    } catch (error) {
      live.release();
      throw error;
    }
  }

  /**
   * Waits for a job and returns what it made.
   * @throws ComfyUIError what ended the job, or `timeout`
   */
  async result(live: LiveJob, { timeoutSeconds, signal }: WaitOptions = {}): Promise<GenerationResult> {
    const job = await live.ended(timeoutSeconds === undefined ? Infinity : timeoutSeconds * 1000, signal);
    if (job.error) throw job.error;
    return new GenerationResult(live);
  }

  /**
   * Hands a workflow to ComfyUI and returns at once: nobody waits for it and its files stay there.
   * @throws ComfyUIError `invalid_request`, `invalid_workflow`, ...
   */
  enqueue(workflow: unknown): Promise<Submission> {
    return this.client.submit({ promptId: randomUUID(), workflow: parseWorkflow(workflow) });
  }

  /** Cancels a job where it waits or runs. One that finishes first stays finished. */
  async cancel(live: LiveJob): Promise<void> {
    if (hasEnded(live.job)) return;
    live.change({ kind: 'canceling' });
    await this.client.cancel(live.job.promptId);
  }

  /** Ends what runs, and lets those who wait for it be told before their connections are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#isShuttingDown = true;
    if (this.#running.size === 0) return;
    for (const stop of this.#running.values()) stop.abort();
    await Promise.all(this.#running.keys());
    await sleep(FAREWELL_MS);
  }
}

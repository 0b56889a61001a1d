import { Inject, Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { currentAttempt, hasEnded, isCollectable, type Job } from '../../domain/job/job';
import { RESOLVED_OPTIONS, type ResolvedComfyUIOptions } from '../../options/comfyui.options';
import { Timing } from '../../options/timing';
import { oneLine } from '../../shared/text';
import { ShutdownState } from '../maintenance/shutdown-state';
import type { Backend } from './backend';
import { type AbandonedPrompt, LeaseRepository } from './lease-repository';

/** Cancels abandoned prompts wherever they are found; with `cleanHistory`, removes ended jobs from ComfyUI's history. */
@Injectable()
export class PromptSweeper {
  readonly #logger = new Logger(PromptSweeper.name);

  constructor(
    private readonly prompts: LeaseRepository,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedComfyUIOptions,
    private readonly shutdown: ShutdownState,
    private readonly timing: Timing,
  ) {}

  /** Notes a prompt for {@link sweep}. Never rejects: the result of a prompt that is not canceled is ignored all the same. */
  async abandon(prompt: AbandonedPrompt): Promise<void> {
    try {
      await this.prompts.abandon(prompt);
    } catch (error) {
      const { message } = toComfyUIError(error);
      this.#logger.warn(`Prompt ${prompt.promptId} cannot be noted for cancellation: ${oneLine(message)}`);
    }
  }

  /** Cancels the abandoned prompts of a backend that responds. Never rejects. */
  async sweep(backend: Backend): Promise<void> {
    try {
      for (const prompt of await this.prompts.abandonedOn(backend.url)) await this.#sweepOne(backend, prompt);
    } catch (error) {
      if (this.shutdown.isOver) return;
      const { message } = toComfyUIError(error);
      this.#logger.warn(`Abandoned prompts at ${backend.url} are canceled later: ${oneLine(message)}`);
    }
  }

  /** Removes an ended job from the history, unless its files may be collected again. Never rejects. */
  async forget(backend: Backend, job: Job): Promise<void> {
    if (!this.options.cleanHistory || !hasEnded(job) || isCollectable(job)) return;
    try {
      await backend.client.forget(currentAttempt(job)?.promptId ?? job.id, this.shutdown.over);
    } catch (error) {
      if (this.shutdown.isOver) return;
      const { message } = toComfyUIError(error);
      this.#logger.warn(`Job ${job.id} stays in the history of ${backend.url}: ${oneLine(message)}`);
    }
  }

  async #sweepOne(backend: Backend, { promptId, jobId, abandonedAt }: AbandonedPrompt): Promise<void> {
    const { state } = await backend.use((client) => client.find(promptId, this.shutdown.over));
    if (state === 'pending' || state === 'running') {
      this.#logger.log(`Job ${jobId}: canceling its abandoned prompt ${promptId} at ${backend.url}`);
      await backend.use((client) => client.cancel(promptId, this.shutdown.over));
      return;
    }
    const isLate = Date.now() - abandonedAt > this.timing.retention.lateArrival;
    if (state === 'finished' || isLate) await this.prompts.settle(promptId);
  }
}

import { Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { currentAttempt, hasEnded, isCollectable, type Job } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import { type AbandonedPrompt, AbandonedPrompts } from './abandoned-prompts';
import { ShutdownState } from '../maintenance/shutdown-state';
import { RetentionRules } from '../maintenance/retention-rules';
import type { Backend } from './backend';

/** A request that got stuck on its way may still arrive: so long is a prompt looked for that is not there, ms. */
const LATE_ARRIVAL_MS = 10 * 60_000;

/**
 * Cancels the prompts that were given up, wherever they turn up: nobody waits for their results. If that is wanted, makes
 * servers forget the prompts of jobs that have ended.
 */
@Injectable()
export class PromptSweeper {
  readonly #logger = new Logger(PromptSweeper.name);

  constructor(
    private readonly prompts: AbandonedPrompts,
    private readonly rules: RetentionRules,
    private readonly shutdownState: ShutdownState,
  ) {}

  /** To be swept when its server answers. Never rejects: the result of a prompt that is not canceled is ignored all the same. */
  async abandon(prompt: AbandonedPrompt): Promise<void> {
    try {
      await this.prompts.add(prompt);
    } catch (error) {
      this.#logger.warn(
        `Prompt ${prompt.promptId} can not be noted to be canceled: ${oneLine(toComfyUIError(error).message)}`,
      );
    }
  }

  /** Looks for the given up prompts of a server that answers. Never rejects. */
  async sweep(backend: Backend): Promise<void> {
    try {
      for (const prompt of await this.prompts.of(backend.url)) await this.#sweepOne(backend, prompt);
    } catch (error) {
      if (this.shutdownState.isOver) return;
      this.#logger.warn(
        `Prompts given up at ${backend.url} are looked for later: ${oneLine(toComfyUIError(error).message)}`,
      );
    }
  }

  /** A job that may be collected again needs what its server remembers. Never rejects. */
  async forget(backend: Backend, job: Job): Promise<void> {
    if (!this.rules.cleanHistory || !hasEnded(job) || isCollectable(job)) return;
    try {
      await backend.history.forget(currentAttempt(job)?.promptId ?? job.id, this.shutdownState.over);
    } catch (error) {
      if (this.shutdownState.isOver) return;
      this.#logger.warn(
        `Job ${job.id} stays in the history of ${backend.url}: ${oneLine(toComfyUIError(error).message)}`,
      );
    }
  }

  async #sweepOne(backend: Backend, { promptId, jobId, abandonedAt }: AbandonedPrompt): Promise<void> {
    const { state } = await backend.use((client) => client.find(promptId, this.shutdownState.over));
    if (state === 'pending' || state === 'running') {
      this.#logger.log(
        `Job ${jobId}: canceling prompt ${promptId}, which was given up and turned up at ${backend.url}`,
      );
      await backend.use((client) => client.cancel(promptId, this.shutdownState.over));
      return;
    }
    if (state === 'finished' || Date.now() - abandonedAt > LATE_ARRIVAL_MS) await this.prompts.remove(promptId);
  }
}

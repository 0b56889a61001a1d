import { Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../domain/text';
import { type AbandonedPrompt, AbandonedPrompts } from '../ports/abandoned-prompts';
import { Draining } from '../draining';
import type { Backend } from './backend';

/** A request that got stuck on its way may still arrive: so long is a prompt looked for that is not there, ms. */
const LATE_ARRIVAL_MS = 10 * 60_000;

/** Cancels the prompts that were given up, wherever they turn up: nobody waits for their results. */
@Injectable()
export class PromptSweeper {
  readonly #logger = new Logger(PromptSweeper.name);

  constructor(
    private readonly prompts: AbandonedPrompts,
    private readonly draining: Draining,
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
      if (this.draining.isOver) return;
      this.#logger.warn(
        `Prompts given up at ${backend.url} are looked for later: ${oneLine(toComfyUIError(error).message)}`,
      );
    }
  }

  async #sweepOne(backend: Backend, { promptId, jobId, abandonedAt }: AbandonedPrompt): Promise<void> {
    const { state } = await backend.use((client) => client.find(promptId, this.draining.over));
    if (state === 'pending' || state === 'running') {
      this.#logger.log(
        `Job ${jobId}: canceling prompt ${promptId}, which was given up and turned up at ${backend.url}`,
      );
      await backend.use((client) => client.cancel(promptId, this.draining.over));
      return;
    }
    if (state === 'finished' || Date.now() - abandonedAt > LATE_ARRIVAL_MS) await this.prompts.remove(promptId);
  }
}

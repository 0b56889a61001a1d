/** A prompt we gave up, which its server may still hold or get: it must not run on. Times in milliseconds since the epoch. */
export interface AbandonedPrompt {
  readonly promptId: string;
  readonly backend: string;
  readonly jobId: string;
  readonly abandonedAt: number;
}

/** Prompts to be canceled as soon as their server can be reached. */
export abstract class AbandonedPrompts {
  abstract add(prompt: AbandonedPrompt): Promise<void>;
  /** Those of one server. */
  abstract of(backend: string): Promise<readonly AbandonedPrompt[]>;
  abstract remove(promptId: string): Promise<void>;
}

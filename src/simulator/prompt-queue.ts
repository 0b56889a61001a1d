import { PromptHeap } from './prompt-heap';
import { JsonObject, QueueItem } from './wire';

const SECRETS = ['auth_token_comfy_org', 'api_key_comfy_org'];

export const withoutSecrets = ([number, id, prompt, extraData, outputs]: QueueItem): QueueItem => {
  if (!SECRETS.some((key) => key in extraData)) return [number, id, prompt, extraData, outputs];
  const rest: JsonObject = Object.fromEntries(Object.entries(extraData).filter(([key]) => !SECRETS.includes(key)));
  return [number, id, prompt, rest, outputs];
};

/** Pending and running prompts. Lower numbers run first; equal numbers run in the order of their ids. */
export class PromptQueue {
  readonly #pending = new PromptHeap();
  readonly #running = new Set<QueueItem>();
  #wake: (() => void)[] = [];

  /** @param changed called at every change, sometimes twice, as ComfyUI broadcasts `status` */
  constructor(private readonly changed: () => void) {}

  get remaining(): number {
    return this.#pending.size + this.#running.size;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  get running(): QueueItem[] {
    return [...this.#running];
  }

  get pending(): QueueItem[] {
    return this.#pending.toArray();
  }

  put(item: QueueItem): void {
    this.#pending.push(item);
    this.changed();
    this.wake();
  }

  /** Takes the next prompt to run; undefined if none is pending. */
  take(): QueueItem | undefined {
    const item = this.#pending.pop();
    if (item === undefined) return undefined;
    this.#running.add(item);
    this.changed();
    return item;
  }

  done(item: QueueItem): void {
    this.#running.delete(item);
    this.changed();
  }

  /** Removes the pending prompts. */
  clear(): void {
    this.#pending.clear();
    this.changed();
  }

  delete(promptId: string): boolean {
    const wasLast = this.#pending.size === 1;
    if (!this.#pending.remove(promptId)) return false;
    if (wasLast) this.changed();
    this.changed();
    return true;
  }

  /** Waits for the next `wake`. */
  async idle(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Wakes idle workers after a new prompt or flag. */
  wake(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) setImmediate(resolve);
  }
}

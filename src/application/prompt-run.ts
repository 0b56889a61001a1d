import { ComfyUIError, toComfyUIError } from '../domain/errors';
import type { RunEvent, RunOutcome } from '../domain/job/run-event';
import { Bell } from './bell';
import type {
  ComfyUIClient,
  HistoryRecord,
  PromptRequest,
  PromptState,
  Signal,
  Submission,
} from './ports/comfyui-client';

/** Milliseconds. */
export const RUN_TIMING = {
  /** Events can be heard, but none came for so long: look whether the prompt is still there. */
  silence: 5_000,
  /** Events can not be heard: how soon to look first, and how often at the least. */
  firstPoll: 100,
  poll: 1_000,
  /** From ComfyUI's word on the outcome to its mark that the history is written. */
  finishMark: 250,
  /** How long a history entry may lag behind the end of its run. */
  historyLag: 10_000,
  /** How long ComfyUI may not answer before its prompts count as lost. */
  lostAfter: 60_000,
  /** How long prompts may wait while none runs, before its worker counts as dead. */
  idleWorker: 10_000,
} as const;

/**
 * One prompt from submission to outcome. Listening makes it fast, looking decides: every silence, disconnection and
 * end is settled by asking ComfyUI where the prompt is.
 */
export class PromptRun {
  readonly #bell = new Bell();
  readonly #outputs = new Map<string, unknown>();
  #promptId: string;
  #stopListening: () => void = () => undefined;
  #connected = false;
  #outcome: RunOutcome | undefined;
  #cached: readonly string[] = [];
  #finished = false;
  #quietSince = 0;
  #looks = 0;
  #failingSince: number | undefined;
  #idleSince: number | undefined;
  #endedAt: number | undefined;
  #timesGone = 0;

  constructor(
    private readonly client: ComfyUIClient,
    private readonly request: PromptRequest,
    private readonly onEvent: (event: RunEvent) => void,
  ) {
    this.#promptId = request.promptId;
  }

  /** Listens, then submits: events may be over before the answer arrives. */
  async submit(signal: AbortSignal): Promise<Submission> {
    await this.#listen(this.#promptId);
    const submission = await this.client.submit(this.request, signal);
    if (submission.promptId !== this.#promptId) await this.#listen(submission.promptId);
    return submission;
  }

  /**
   * @throws ComfyUIError `backend_lost` when ComfyUI forgot the prompt or stays away, `stalled` when its worker is dead,
   * `backend_unauthorized`
   */
  async outcome(signal: AbortSignal): Promise<HistoryRecord> {
    for (;;) {
      await this.#untilWorthALook(signal);
      signal.throwIfAborted();
      const state = await this.#look(signal);
      const record = state && this.#judge(state);
      if (record) return record;
    }
  }

  close(): void {
    this.#stopListening();
  }

  async #listen(promptId: string): Promise<void> {
    this.#stopListening();
    this.#promptId = promptId;
    this.#stopListening = await this.client.listen(promptId, (heard) => this.#hear(heard));
  }

  #hear(heard: Signal): void {
    this.#quietSince = Date.now();
    switch (heard.kind) {
      case 'ended':
        this.#outcome = heard.outcome;
        this.#endedAt ??= Date.now();
        return this.#bell.ring();
      case 'finished':
        this.#finished = true;
        this.#endedAt ??= Date.now();
        return this.#bell.ring();
      case 'connected':
      case 'disconnected':
        this.#connected = heard.kind === 'connected';
        return this.#bell.ring();
      case 'executed':
        this.#outputs.set(heard.nodeId, heard.output);
        return this.onEvent(heard);
      case 'cached':
        this.#cached = heard.nodeIds;
        return this.onEvent(heard);
      default:
        return this.onEvent(heard);
    }
  }

  /** Until the history can be read, the connection came or went, or it was quiet for too long. */
  async #untilWorthALook(signal: AbortSignal): Promise<void> {
    const wasConnected = this.#connected;
    this.#quietSince = Date.now();
    while (!signal.aborted && !this.#canBeRead && wasConnected === this.#connected) {
      const left = this.#quietSince + this.#patience - Date.now();
      if (left <= 0) return;
      await this.#bell.next(left, signal);
    }
  }

  /** ComfyUI's mark is believed once: what it then does not tell takes time, as after the end of any run. */
  get #canBeRead(): boolean {
    return this.#finished && this.#timesGone === 0 && this.#failingSince === undefined;
  }

  get #patience(): number {
    if (this.#endedAt !== undefined) return Math.min(RUN_TIMING.poll, RUN_TIMING.finishMark * (this.#timesGone + 1));
    if (this.#connected && this.#failingSince === undefined && this.#timesGone === 0) return RUN_TIMING.silence;
    return Math.min(RUN_TIMING.poll, RUN_TIMING.firstPoll * 2 ** this.#looks);
  }

  async #look(signal: AbortSignal): Promise<PromptState | undefined> {
    try {
      this.#looks += 1;
      const state = await this.client.find(this.#promptId, signal);
      this.#failingSince = undefined;
      return state;
    } catch (error) {
      signal.throwIfAborted();
      this.#failingSince ??= Date.now();
      if (Date.now() - this.#failingSince < RUN_TIMING.lostAfter) return undefined;
      throw lost(error);
    }
  }

  #judge(state: PromptState): HistoryRecord | undefined {
    if (state.state === 'finished') return state.record;
    if (state.state === 'gone') return this.#judgeGone();
    this.#timesGone = 0;
    this.#finished = false;
    this.#watchWorker(state);
    return undefined;
  }

  /** Gone twice is gone, unless its end was heard: then the history may lag, and at last the events speak for it. */
  #judgeGone(): HistoryRecord | undefined {
    this.#timesGone += 1;
    if (this.#outcome && this.#endedAt !== undefined) {
      if (Date.now() - this.#endedAt < RUN_TIMING.historyLag) return undefined;
      return { outcome: this.#outcome, outputs: this.#outputs, cached: this.#cached };
    }
    if (this.#timesGone < 2) return undefined;
    const message = 'ComfyUI no longer knows this prompt: it was restarted, or the prompt was deleted from its queue.';
    throw new ComfyUIError('backend_lost', message);
  }

  /** A prompt that waits while nothing runs is normal for a moment; for longer it means a dead worker thread. */
  #watchWorker(state: PromptState): void {
    if (state.state !== 'pending' || !state.idle) {
      this.#idleSince = undefined;
      return;
    }
    this.#idleSince ??= Date.now();
    if (Date.now() - this.#idleSince < RUN_TIMING.idleWorker) return;
    throw new ComfyUIError(
      'stalled',
      'ComfyUI has prompts waiting but runs none of them: its worker is dead. Restart ComfyUI.',
    );
  }
}

function lost(error: unknown): ComfyUIError {
  const last = toComfyUIError(error);
  if (last.code === 'backend_unauthorized') return last;
  const seconds = RUN_TIMING.lostAfter / 1000;
  return new ComfyUIError('backend_lost', `ComfyUI has not answered for ${seconds} s: ${last.message}`, {
    cause: last,
  });
}

import { BackendError, toComfyUIError } from '../../domain/errors';
import type { RunEvent, RunOutcome } from '../../domain/job/run-event';
import { lastNodes } from '../../domain/workflow/last-nodes';
import type { Workflow } from '../../domain/workflow/workflow';
import { Condition } from '../../shared/condition';
import type {
  ComfyUIClient,
  HistoryRecord,
  PromptRequest,
  PromptState,
  Signal,
  Submission,
} from '../backends/comfyui-client';

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
  /** How long one look may take. */
  look: 10_000,
  /** How long ComfyUI may refuse connections before its prompts count as lost: it keeps them in memory only. */
  refused: 10_000,
  /** How long it may leave `/queue` unanswered. */
  unanswered: 30_000,
  /** How long prompts may wait while none runs, before its worker counts as dead. */
  idleWorker: 10_000,
} as const;

export interface PromptHooks {
  onEvent(event: RunEvent): void;
  /** The run is over, by ComfyUI's word or by its history; the outcome is still to be read. */
  onEnded(): void;
}

/**
 * One prompt, from submission or adoption to its outcome. Listening makes it fast, looking decides: after a start, a
 * reconnection, a silence, an end, and by the clock, it asks ComfyUI where the prompt is. This is the one place that does.
 * Only a run that was heard from its beginning to its end needs no look.
 */
export class PromptMonitor {
  readonly #condition = new Condition();
  readonly #outputs = new Map<string, unknown>();
  #stopListening: () => void = () => undefined;
  #connected = false;
  #outcome: RunOutcome | undefined;
  /** Told before any node runs; undefined when that was not heard, or when not all was heard since. */
  #cached: readonly string[] | undefined;
  #workflow: Workflow | undefined;
  #finished = false;
  #isNudged = false;
  #quietSince = 0;
  #looks = 0;
  #failingSince: number | undefined;
  #idleSince: number | undefined;
  #endedAt: number | undefined;
  #timesGone = 0;

  constructor(
    private readonly client: ComfyUIClient,
    private promptId: string,
    private readonly hooks: PromptHooks,
  ) {}

  /** Listens, then submits: events may be over before the answer arrives. */
  async submit(request: Omit<PromptRequest, 'promptId'>, signal: AbortSignal): Promise<Submission> {
    await this.#listen(this.promptId);
    this.#workflow = request.workflow;
    const submission = await this.client.submit({ ...request, promptId: this.promptId }, signal);
    if (submission.promptId !== this.promptId) await this.#listen(submission.promptId, submission.clientId);
    return submission;
  }

  /** Takes up a prompt that was submitted before; where it is by now is looked up at once. */
  async adopt(clientId: string | null): Promise<void> {
    this.nudge();
    await this.#listen(this.promptId, clientId);
  }

  /** Looks where the prompt is without waiting any longer. */
  nudge(): void {
    this.#isNudged = true;
    this.#condition.notifyAll();
  }

  /** @throws BackendFault `backend_lost` when ComfyUI forgot the prompt or is gone, `stalled` when it hangs */
  async outcome(signal: AbortSignal): Promise<HistoryRecord> {
    for (;;) {
      await this.#untilWorthALook(signal);
      signal.throwIfAborted();
      const record = this.#heard() ?? (await this.#seen(signal));
      if (record) return record;
    }
  }

  close(): void {
    this.#stopListening();
  }

  async #listen(promptId: string, clientId?: string | null): Promise<void> {
    this.#stopListening();
    this.promptId = promptId;
    this.#stopListening = await this.client.listen(promptId, (heard) => this.#hear(heard), clientId);
  }

  #hear(heard: Signal): void {
    this.#quietSince = Date.now();
    switch (heard.kind) {
      case 'ended':
        this.#outcome = heard.outcome;
        return this.#end();
      case 'finished':
        this.#finished = true;
        return this.#end();
      case 'connected':
      case 'disconnected':
        this.#connected = heard.kind === 'connected';
        if (!this.#connected) this.#cached = undefined;
        return this.#condition.notifyAll();
      case 'executed':
        this.#outputs.set(heard.nodeId, heard.output);
        return this.hooks.onEvent(heard);
      case 'cached':
        this.#cached = heard.nodeIds;
        return this.hooks.onEvent(heard);
      default:
        return this.hooks.onEvent(heard);
    }
  }

  #end(): void {
    this.#endedAt ??= Date.now();
    this.hooks.onEnded();
    this.#condition.notifyAll();
  }

  /** Until the history can be read, the connection came or went, somebody wants to know, or it was quiet for too long. */
  async #untilWorthALook(signal: AbortSignal): Promise<void> {
    const wasConnected = this.#connected;
    this.#quietSince = Date.now();
    while (!signal.aborted && !this.#canBeRead && !this.#isNudged && wasConnected === this.#connected) {
      const left = this.#quietSince + this.#patience - Date.now();
      if (left <= 0) break;
      await this.#condition.next(left, signal);
    }
    this.#isNudged = false;
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

  /**
   * A run that did well, of which nothing can have been missed: what its history would tell. Results that come from
   * ComfyUI's cache are not all told of, and a last node that told nothing may have lost its voice.
   */
  #heard(): HistoryRecord | undefined {
    if (!this.#finished || this.#outcome?.kind !== 'succeeded' || this.#cached?.length !== 0) return undefined;
    const hasTold = (nodeId: string) => this.#outputs.has(nodeId);
    if (!this.#workflow || !lastNodes(this.#workflow).every(hasTold)) return undefined;
    return { outcome: this.#outcome, outputs: this.#outputs, cached: this.#cached };
  }

  async #seen(signal: AbortSignal): Promise<HistoryRecord | undefined> {
    const state = await this.#look(signal);
    return state && this.#judge(state);
  }

  async #look(signal: AbortSignal): Promise<PromptState | undefined> {
    const startedAt = Date.now();
    try {
      this.#looks += 1;
      const patience = AbortSignal.timeout(RUN_TIMING.look);
      const state = await this.client.find(this.promptId, AbortSignal.any([signal, patience]));
      this.#failingSince = undefined;
      return state;
    } catch (error) {
      signal.throwIfAborted();
      this.#failingSince ??= startedAt;
      this.#giveUp(error, Date.now() - this.#failingSince);
      return undefined;
    }
  }

  /** @throws BackendFault once it took too long */
  #giveUp(error: unknown, failingForMs: number): void {
    const isRefused = error instanceof BackendError && error.neverSent;
    if (failingForMs < (isRefused ? RUN_TIMING.refused : RUN_TIMING.unanswered)) return;
    const last = toLastFault(error);
    if (last.code === 'backend_unauthorized') throw last;
    const hangs = last.code === 'backend_unreachable' && !last.neverSent;
    const message = `For ${Math.round(failingForMs / 1000)} s ComfyUI has not told where the prompt is. ${last.message}`;
    throw new BackendError(hangs ? 'stalled' : 'backend_lost', message, { cause: last });
  }

  #judge(state: PromptState): HistoryRecord | undefined {
    if (state.state === 'finished') {
      this.hooks.onEnded();
      return state.record;
    }
    if (state.state === 'gone') return this.#judgeGone();
    this.#timesGone = 0;
    this.#finished = false;
    if (state.state === 'running') this.hooks.onEvent({ kind: 'started' });
    this.#watchWorker(state);
    return undefined;
  }

  /** Gone twice is gone, unless its end was heard: then the history may lag, and at last the events speak for it. */
  #judgeGone(): HistoryRecord | undefined {
    this.#timesGone += 1;
    if (this.#outcome && this.#endedAt !== undefined) {
      if (Date.now() - this.#endedAt < RUN_TIMING.historyLag) return undefined;
      return { outcome: this.#outcome, outputs: this.#outputs, cached: this.#cached ?? [] };
    }
    if (this.#timesGone < 2) return undefined;
    const message = 'ComfyUI no longer knows this prompt: it was restarted, or the prompt was deleted from its queue.';
    throw new BackendError('backend_lost', message);
  }

  /** A prompt that waits while nothing runs is normal for a moment; for longer it means a dead worker thread. */
  #watchWorker(state: PromptState): void {
    if (state.state !== 'pending' || !state.idle) {
      this.#idleSince = undefined;
      return;
    }
    this.#idleSince ??= Date.now();
    if (Date.now() - this.#idleSince < RUN_TIMING.idleWorker) return;
    const message = 'ComfyUI has prompts waiting but runs none of them: its worker is dead. Restart ComfyUI.';
    throw new BackendError('stalled', message);
  }
}

/** A look that took too long was cut off by us. */
function toLastFault(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const isCutOff = error instanceof DOMException && error.name === 'TimeoutError';
  if (!isCutOff) return new BackendError('backend_error', toComfyUIError(error).message, { cause: error });
  return new BackendError('backend_unreachable', `It did not answer within ${RUN_TIMING.look / 1000} s.`, {
    cause: error,
  });
}

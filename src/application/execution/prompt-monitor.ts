import { BackendError, toComfyUIError } from '../../domain/errors';
import type { RunEvent, RunOutcome } from '../../domain/job/run-event';
import { lastNodes } from '../../domain/workflow/last-nodes';
import type { Workflow } from '../../domain/workflow/workflow';
import type { PromptTiming } from '../../options/timing';
import { Condition } from '../../shared/condition';
import type {
  ComfyUIClient,
  HistoryRecord,
  PromptEvent,
  PromptRequest,
  PromptState,
  Submission,
} from '../backends/comfyui-client';

export interface PromptHooks {
  onEvent(event: RunEvent): void;
  /** The run is over, by an event or by the history; its outcome is still to be read. */
  onEnded(): void;
}

/**
 * One prompt, from its submission to its outcome. Events make it fast, look-ups decide: after a start, a reconnect, a silence, an
 * end, and at intervals, ComfyUI is asked for the state of the prompt. Only a run whose events arrived from its beginning to its
 * end needs no look-up.
 */
export class PromptMonitor {
  readonly #changed = new Condition();
  readonly #outputs = new Map<string, unknown>();
  #unsubscribe: () => void = () => undefined;
  #isConnected = false;
  #outcome: RunOutcome | undefined;
  /** Reported before any node runs; undefined when an event may be missing since. */
  #cached: readonly string[] | undefined;
  #workflow: Workflow | undefined;
  #isFinished = false;
  #isLookUpRequested = false;
  #silentSince = 0;
  #lookUps = 0;
  #failingSince: number | undefined;
  #idleSince: number | undefined;
  #endedAt: number | undefined;
  #timesGone = 0;

  constructor(
    private readonly client: ComfyUIClient,
    private promptId: string,
    private readonly hooks: PromptHooks,
    private readonly timing: PromptTiming,
  ) {}

  /** Listens, then submits: all events may arrive before the response. */
  async submit(request: Omit<PromptRequest, 'promptId'>, signal: AbortSignal): Promise<Submission> {
    await this.#listen(this.promptId);
    this.#workflow = request.workflow;
    const submission = await this.client.submit({ ...request, promptId: this.promptId }, signal);
    if (submission.promptId !== this.promptId) await this.#listen(submission.promptId, submission.clientId);
    return submission;
  }

  /** Follows a prompt that was submitted earlier; its state is looked up at once. */
  async resume(clientId: string | null): Promise<void> {
    this.lookUp();
    await this.#listen(this.promptId, clientId);
  }

  /** Looks up the state of the prompt without waiting any longer. */
  lookUp(): void {
    this.#isLookUpRequested = true;
    this.#changed.notifyAll();
  }

  /** @throws BackendError `backend_lost` when ComfyUI does not know the prompt or is gone, `stalled` when it hangs */
  async outcome(signal: AbortSignal): Promise<HistoryRecord> {
    for (;;) {
      await this.#untilLookUpIsDue(signal);
      signal.throwIfAborted();
      const record = this.#fromEvents() ?? (await this.#fromLookUp(signal));
      if (record) return record;
    }
  }

  close(): void {
    this.#unsubscribe();
  }

  async #listen(promptId: string, clientId?: string | null): Promise<void> {
    this.#unsubscribe();
    this.promptId = promptId;
    this.#unsubscribe = await this.client.listen(promptId, (event) => this.#receive(event), clientId);
  }

  #receive(event: PromptEvent): void {
    this.#silentSince = Date.now();
    switch (event.kind) {
      case 'ended':
        this.#outcome = event.outcome;
        return this.#end();
      case 'finished':
        this.#isFinished = true;
        return this.#end();
      case 'connected':
      case 'disconnected':
        this.#isConnected = event.kind === 'connected';
        if (!this.#isConnected) this.#cached = undefined;
        return this.#changed.notifyAll();
      case 'executed':
        this.#outputs.set(event.nodeId, event.output);
        return this.hooks.onEvent(event);
      case 'cached':
        this.#cached = event.nodeIds;
        return this.hooks.onEvent(event);
      default:
        return this.hooks.onEvent(event);
    }
  }

  #end(): void {
    this.#endedAt ??= Date.now();
    this.hooks.onEnded();
    this.#changed.notifyAll();
  }

  /** Until the history can be read, the connection changes, a look-up is requested, or no event arrives for too long. */
  async #untilLookUpIsDue(signal: AbortSignal): Promise<void> {
    const wasConnected = this.#isConnected;
    this.#silentSince = Date.now();
    while (!signal.aborted && !this.#isReadable && !this.#isLookUpRequested && wasConnected === this.#isConnected) {
      const left = this.#silentSince + this.#patience - Date.now();
      if (left <= 0) break;
      await this.#changed.wait(left, signal);
    }
    this.#isLookUpRequested = false;
  }

  /** ComfyUI's mark counts once: a history that is not there yet takes time, as after the end of any run. */
  get #isReadable(): boolean {
    return this.#isFinished && this.#timesGone === 0 && this.#failingSince === undefined;
  }

  get #patience(): number {
    const { poll, finishMark, silence, firstPoll } = this.timing;
    if (this.#endedAt !== undefined) return Math.min(poll, finishMark * (this.#timesGone + 1));
    if (this.#isConnected && this.#failingSince === undefined && this.#timesGone === 0) return silence;
    return Math.min(poll, firstPoll * 2 ** this.#lookUps);
  }

  /**
   * The record of a successful run, from its events, if none can be missing. Results from ComfyUI's cache are not all reported,
   * and a last node without an event may have lost it.
   */
  #fromEvents(): HistoryRecord | undefined {
    if (!this.#isFinished || this.#outcome?.kind !== 'succeeded' || this.#cached?.length !== 0) return undefined;
    const isReported = (nodeId: string) => this.#outputs.has(nodeId);
    if (!this.#workflow || !lastNodes(this.#workflow).every(isReported)) return undefined;
    return { outcome: this.#outcome, outputs: this.#outputs, cached: this.#cached };
  }

  async #fromLookUp(signal: AbortSignal): Promise<HistoryRecord | undefined> {
    const state = await this.#find(signal);
    return state && this.#judge(state);
  }

  async #find(signal: AbortSignal): Promise<PromptState | undefined> {
    const startedAt = Date.now();
    try {
      this.#lookUps += 1;
      const timedOut = AbortSignal.timeout(this.timing.lookup);
      const state = await this.client.find(this.promptId, AbortSignal.any([signal, timedOut]));
      this.#failingSince = undefined;
      return state;
    } catch (error) {
      signal.throwIfAborted();
      this.#failingSince ??= startedAt;
      this.#throwIfLost(error, Date.now() - this.#failingSince);
      return undefined;
    }
  }

  /** @throws BackendError once look-ups failed for too long */
  #throwIfLost(error: unknown, failingForMs: number): void {
    const { refused, unanswered } = this.timing;
    const isRefused = error instanceof BackendError && error.neverSent;
    if (failingForMs < (isRefused ? refused : unanswered)) return;
    const last = this.#toBackendError(error);
    if (last.code === 'backend_unauthorized') throw last;
    const hangs = last.code === 'backend_unreachable' && !last.neverSent;
    const seconds = Math.round(failingForMs / 1000);
    const message = `The state of the prompt could not be read from ComfyUI for ${seconds} s. ${last.message}`;
    throw new BackendError(hangs ? 'stalled' : 'backend_lost', message, { cause: last });
  }

  /** A look-up that reached its time-out was aborted by this process. */
  #toBackendError(error: unknown): BackendError {
    if (error instanceof BackendError) return error;
    const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
    if (!isTimeout) return new BackendError('backend_error', toComfyUIError(error).message, { cause: error });
    const message = `It did not respond within ${this.timing.lookup / 1000} s.`;
    return new BackendError('backend_unreachable', message, { cause: error });
  }

  #judge(state: PromptState): HistoryRecord | undefined {
    if (state.state === 'finished') {
      this.hooks.onEnded();
      return state.record;
    }
    if (state.state === 'gone') return this.#judgeGone();
    this.#timesGone = 0;
    this.#isFinished = false;
    if (state.state === 'running') this.hooks.onEvent({ kind: 'started' });
    this.#throwIfStalled(state);
    return undefined;
  }

  /** Gone twice is gone, unless its end was reported: then the history may be late, and at last the events count. */
  #judgeGone(): HistoryRecord | undefined {
    this.#timesGone += 1;
    if (this.#outcome && this.#endedAt !== undefined) {
      if (Date.now() - this.#endedAt < this.timing.historyLag) return undefined;
      return { outcome: this.#outcome, outputs: this.#outputs, cached: this.#cached ?? [] };
    }
    if (this.#timesGone < 2) return undefined;
    const message = 'ComfyUI no longer knows this prompt: it was restarted, or the prompt was deleted from its queue.';
    throw new BackendError('backend_lost', message);
  }

  /** A prompt that waits while none runs is normal for a moment; for longer it means a dead worker thread. */
  #throwIfStalled(state: PromptState): void {
    if (state.state !== 'pending' || !state.idle) {
      this.#idleSince = undefined;
      return;
    }
    this.#idleSince ??= Date.now();
    if (Date.now() - this.#idleSince < this.timing.idleWorker) return;
    const message = 'ComfyUI has prompts waiting but runs none of them: its worker is dead. Restart ComfyUI.';
    throw new BackendError('stalled', message);
  }
}

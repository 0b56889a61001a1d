import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleType,
} from 'cockatiel';
import type { CircuitState as CircuitWord, ServerStatus } from '../../domain/backend';
import { BackendError, type ComfyUIError, toComfyUIError } from '../../domain/errors';
import type { WorkflowRequirements } from '../../domain/workflow/requirements';
import type { ComfyUIClient } from './comfyui-client';
import type { NodeCatalog } from './node-catalog';
import type { PromptHistory } from './prompt-history';
import { sleep } from '../../shared/sleep';
import type { WorkBell } from '../execution/work-bell';
import { BackendLease } from './backend-lease';

export interface BackendSettings {
  /** Without credentials: it is stored with jobs and shown. */
  readonly url: string;
  readonly weight: number;
  /** Prompts it runs at once. */
  readonly concurrency: number;
  /** Prompts handed over beyond that, so that it need not wait for the next. */
  readonly prefetch: number;
  readonly labels: readonly string[];
}

/** What a server is reached through. */
export interface BackendServer {
  readonly client: ComfyUIClient;
  readonly catalog: NodeCatalog;
  readonly history: PromptHistory;
}

/** A place on a server, taken for one prompt. */
export interface Slot {
  /** Once; more often does nothing. */
  release(): void;
}

/** Milliseconds. */
const PROBE = { patience: 5_000, firstAgain: 250, longestAgain: 2_000, poll: 50 } as const;

const CIRCUIT_WORDS: Record<CircuitState, CircuitWord> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
};

/** One ComfyUI server as we use it: its places, whether it is fit for use, what it knows and has loaded. */
export class Backend {
  /** One fault is enough: it is asked how it is before it is used again. */
  readonly #circuit: CircuitBreakerPolicy = circuitBreaker(handleType(BackendError), {
    breaker: new ConsecutiveBreaker(1),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: PROBE.firstAgain, maxDelay: PROBE.longestAgain }),
  });
  /** Whether this process drives it. */
  readonly hold = new BackendLease();
  #handedOver = 0;
  #takenAt = -Infinity;
  #models: ReadonlySet<string> = new Set();
  #probing: Promise<ServerStatus> | undefined;
  #contactAt = -Infinity;
  #classes: ReadonlySet<string> | 'unknown' | 'any' = 'unknown';

  constructor(
    readonly settings: BackendSettings,
    private readonly server: BackendServer,
    /** Rung when a place became free, when the server came or went, and when it told what it knows. */
    readonly condition: WorkBell,
  ) {
    this.#circuit.onStateChange(() => this.condition.notifyAll());
    this.client.onCutOff(() => this.#doubt());
  }

  get client(): ComfyUIClient {
    return this.server.client;
  }

  get history(): PromptHistory {
    return this.server.history;
  }

  get url(): string {
    return this.settings.url;
  }

  get circuit(): CircuitWord {
    return CIRCUIT_WORDS[this.#circuit.state];
  }

  get isUsable(): boolean {
    return this.#circuit.state === CircuitState.Closed;
  }

  /** Prompts of ours that it has. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /** How busy it is for its weight. */
  get load(): number {
    return this.#handedOver / (this.settings.concurrency * this.settings.weight);
  }

  /** When it was last given something, by the process's clock. */
  get takenAt(): number {
    return this.#takenAt;
  }

  get couldRunNow(): boolean {
    return this.#handedOver < this.settings.concurrency;
  }

  /** Whether it may be given a prompt. */
  get hasRoom(): boolean {
    return this.hold.isSure && this.#handedOver < this.settings.concurrency + this.settings.prefetch;
  }

  /** Why it is not used; undefined while it is. */
  get fault(): ComfyUIError | undefined {
    const { lastFailure } = this.#circuit;
    return this.isUsable || !lastFailure || !('error' in lastFailure) ? undefined : toComfyUIError(lastFailure.error);
  }

  /** Milliseconds since it last answered; whatever it answered before its socket broke off does not count. */
  get silentFor(): number {
    return performance.now() - this.#contactAt;
  }

  /** Takes a place. An adopted prompt needs one whether there is room or not. */
  take(models: readonly string[] = []): Slot {
    this.#handedOver += 1;
    this.#takenAt = performance.now();
    if (models.length > 0) this.#models = new Set(models);
    let isTaken = true;
    return {
      release: () => {
        if (!isTaken) return;
        isTaken = false;
        this.#handedOver -= 1;
        this.condition.notifyAll();
      },
    };
  }

  /** How many of these models it used last. */
  modelsLoaded(models: readonly string[]): number {
    return models.filter((model) => this.#models.has(model)).length;
  }

  /** Whether it was asked which node classes it has. */
  get hasCatalog(): boolean {
    return this.#classes !== 'unknown';
  }

  knows({ classes }: WorkflowRequirements): boolean {
    if (this.#classes === 'any') return true;
    const known = this.#classes;
    return known !== 'unknown' && classes.every((name) => known.has(name));
  }

  /** Asks which node classes it has. One that does not tell is taken to know all. */
  async readCatalog(signal?: AbortSignal): Promise<void> {
    try {
      this.#classes = await this.server.catalog.nodeClasses(signal);
    } catch {
      if (this.#classes === 'unknown') this.#classes = 'any';
    } finally {
      this.condition.notifyAll();
    }
  }

  /** Makes a call; a fault of the server makes it unfit for use until a probe succeeds. */
  async use<T>(call: (client: ComfyUIClient) => Promise<T>): Promise<T> {
    try {
      const answer = await call(this.client);
      this.#contactAt = performance.now();
      return answer;
    } catch (error) {
      if (error instanceof BackendError) await this.blame(error);
      throw error;
    }
  }

  /** Takes note of a fault. */
  async blame(fault: BackendError): Promise<void> {
    if (!this.isUsable) return;
    await this.#circuit.execute(() => Promise.reject(fault)).catch(() => undefined);
  }

  /**
   * Asks the server how it is, and by the answer decides whether it is fit for use. One probe serves all who ask.
   * @throws BackendFault
   */
  probe(): Promise<ServerStatus> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** It is asked how it is, by whoever needs it first. */
  #doubt(): void {
    this.#contactAt = -Infinity;
    this.condition.notifyAll();
  }

  async #probe(): Promise<ServerStatus> {
    for (;;) {
      try {
        return await this.#circuit.execute(() => this.#ask());
      } catch (error) {
        if (!(error instanceof BrokenCircuitError)) throw error;
      }
      await sleep(PROBE.poll);
    }
  }

  async #ask(): Promise<ServerStatus> {
    const patience = AbortSignal.timeout(PROBE.patience);
    try {
      const status = await this.client.status(patience);
      this.#contactAt = performance.now();
      if (this.fault?.code === 'stalled' && isIdle(status)) throw new BackendError('stalled', this.fault.message);
      return status;
    } catch (error) {
      if (patience.aborted)
        throw new BackendError('backend_unreachable', `ComfyUI did not answer within ${PROBE.patience / 1000} s.`);
      if (error instanceof BackendError) throw error;
      throw new BackendError('backend_error', toComfyUIError(error).message, { cause: error });
    }
  }
}

/** With prompts waiting: the prompts that a dead worker left waiting show that it still is. */
function isIdle({ queue }: ServerStatus): boolean {
  return queue.pending > 0 && queue.running === 0;
}

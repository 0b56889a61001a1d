import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleType,
} from 'cockatiel';
import type { CircuitState as CircuitName, ServerStatus } from '../../domain/backend';
import { BackendError, type ComfyUIError, toComfyUIError } from '../../domain/errors';
import type { WorkflowRequirements } from '../../domain/workflow/requirements';
import type { Timing } from '../../options/timing';
import type { Condition } from '../../shared/condition';
import { SingleFlight } from '../../shared/single-flight';
import { sleep } from '../../shared/sleep';
import { BackendLease } from './backend-lease';
import type { ComfyUIClient } from './comfyui-client';

export interface BackendSettings {
  /** Without credentials: it is stored with jobs and shown. */
  readonly url: string;
  readonly weight: number;
  /** Prompts that it runs at once. */
  readonly concurrency: number;
  /** Prompts assigned beyond that, so that it need not wait for the next. */
  readonly prefetch: number;
  readonly labels: readonly string[];
}

/** Room for one prompt on a backend, while it is taken. */
export interface Slot {
  /** Frees the slot, once. */
  release(): void;
}

const CIRCUIT_NAMES: Record<CircuitState, CircuitName> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
};

/** One ComfyUI server: its lease, its slots, its health, the node classes it knows and the models it has loaded. */
export class Backend {
  /** One error is enough: a probe must succeed before the backend is used again. */
  readonly #circuit: CircuitBreakerPolicy;
  readonly #probes = new SingleFlight<'probe', ServerStatus>();
  readonly lease: BackendLease;
  #slotsTaken = 0;
  #lastTakenAt = -Infinity;
  #models: ReadonlySet<string> = new Set();
  #respondedAt = -Infinity;
  #classes: ReadonlySet<string> | 'unknown' | 'any' = 'unknown';

  /** @param changed notified when a slot is free, the health changes, or the node classes are known */
  constructor(
    readonly settings: BackendSettings,
    readonly client: ComfyUIClient,
    readonly changed: Condition,
    private readonly timing: Timing,
  ) {
    const { firstRetry: initialDelay, longestRetry: maxDelay } = timing.probe;
    this.#circuit = circuitBreaker(handleType(BackendError), {
      breaker: new ConsecutiveBreaker(1),
      halfOpenAfter: new ExponentialBackoff({ initialDelay, maxDelay }),
    });
    this.lease = new BackendLease(timing.lease);
    this.#circuit.onStateChange(() => this.changed.notifyAll());
    client.onDisconnect(() => this.#doubt());
  }

  get url(): string {
    return this.settings.url;
  }

  get circuit(): CircuitName {
    return CIRCUIT_NAMES[this.#circuit.state];
  }

  get isUsable(): boolean {
    return this.#circuit.state === CircuitState.Closed;
  }

  /** Prompts of this process that it has. */
  get slotsTaken(): number {
    return this.#slotsTaken;
  }

  /** Slots taken relative to its concurrency and weight. */
  get load(): number {
    return this.#slotsTaken / (this.settings.concurrency * this.settings.weight);
  }

  /** When a slot was last taken, by `performance.now()`. */
  get lastTakenAt(): number {
    return this.#lastTakenAt;
  }

  get wouldRunNow(): boolean {
    return this.#slotsTaken < this.settings.concurrency;
  }

  get hasFreeSlot(): boolean {
    return this.lease.admitsJobs && this.#slotsTaken < this.settings.concurrency + this.settings.prefetch;
  }

  /** Why it is not used; undefined while it is. */
  get error(): ComfyUIError | undefined {
    const { lastFailure } = this.#circuit;
    return this.isUsable || !lastFailure || !('error' in lastFailure) ? undefined : toComfyUIError(lastFailure.error);
  }

  /** Milliseconds since its last response; responses before its socket broke do not count. */
  get silentFor(): number {
    return performance.now() - this.#respondedAt;
  }

  /** Takes a slot; a prompt that is there already needs one whether there is room or not. */
  take(models: readonly string[] = []): Slot {
    this.#slotsTaken += 1;
    this.#lastTakenAt = performance.now();
    if (models.length > 0) this.#models = new Set(models);
    let isTaken = true;
    return {
      release: () => {
        if (!isTaken) return;
        isTaken = false;
        this.#slotsTaken -= 1;
        this.changed.notifyAll();
      },
    };
  }

  /** How many of these models it used last. */
  modelsLoaded(models: readonly string[]): number {
    return models.filter((model) => this.#models.has(model)).length;
  }

  get hasNodeClasses(): boolean {
    return this.#classes !== 'unknown';
  }

  /** Whether it has the node classes of a workflow, as far as it is known. */
  supports({ classes }: WorkflowRequirements): boolean {
    const known = this.#classes;
    if (known === 'any') return true;
    return known !== 'unknown' && classes.every((name) => known.has(name));
  }

  /** Reads its node classes. A server that does not list them counts as having all. */
  async readNodeClasses(signal?: AbortSignal): Promise<void> {
    try {
      this.#classes = await this.client.nodeClasses(signal);
    } catch {
      if (this.#classes === 'unknown') this.#classes = 'any';
    } finally {
      this.changed.notifyAll();
    }
  }

  /** Makes a call; a `BackendError` makes the backend unusable until a probe succeeds. */
  async use<T>(call: (client: ComfyUIClient) => Promise<T>): Promise<T> {
    try {
      const response = await call(this.client);
      this.#respondedAt = performance.now();
      return response;
    } catch (error) {
      if (error instanceof BackendError) await this.reportError(error);
      throw error;
    }
  }

  async reportError(failure: BackendError): Promise<void> {
    if (!this.isUsable) return;
    const fail = (): never => {
      throw failure;
    };
    await this.#circuit.execute(fail).catch(() => undefined);
  }

  /** Asks for its status, which decides whether it is usable. Calls that overlap share one probe. @throws BackendError */
  probe(): Promise<ServerStatus> {
    return this.#probes.join('probe', () => this.#probe());
  }

  /** Its responses so far prove nothing any more. */
  #doubt(): void {
    this.#respondedAt = -Infinity;
    this.changed.notifyAll();
  }

  async #probe(): Promise<ServerStatus> {
    for (;;) {
      try {
        return await this.#circuit.execute(() => this.#readStatus());
      } catch (error) {
        if (!(error instanceof BrokenCircuitError)) throw error;
      }
      await sleep(this.timing.probe.poll);
    }
  }

  async #readStatus(): Promise<ServerStatus> {
    const { timeout } = this.timing.probe;
    const timedOut = AbortSignal.timeout(timeout);
    try {
      const status = await this.client.status(timedOut);
      this.#respondedAt = performance.now();
      if (this.error?.code === 'stalled' && isStalled(status)) throw new BackendError('stalled', this.error.message);
      return status;
    } catch (error) {
      if (timedOut.aborted)
        throw new BackendError('backend_unreachable', `ComfyUI did not respond within ${timeout / 1000} s.`);
      if (error instanceof BackendError) throw error;
      throw new BackendError('backend_error', toComfyUIError(error).message, { cause: error });
    }
  }
}

/** Prompts wait and none runs: those that a dead worker left waiting show that it still is dead. */
function isStalled({ queue }: ServerStatus): boolean {
  return queue.pending > 0 && queue.running === 0;
}

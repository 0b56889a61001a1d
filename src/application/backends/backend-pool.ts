import type { OnApplicationShutdown } from '@nestjs/common';
import { BackendError, toComfyUIError } from '../../domain/errors';
import type { WorkflowRequirements } from '../../domain/workflow/requirements';
import type { ProbeTiming } from '../../options/timing';
import type { Condition } from '../../shared/condition';
import type { Backend } from './backend';

/** Backends where earlier attempts of a job ended. */
export interface EarlierAttempts {
  /** URLs of backends where an attempt failed. */
  readonly failed: readonly string[];
  /** URLs of those whose device failed: it would fail again at once, so another backend is worth waiting for. */
  readonly broken: readonly string[];
}

const NO_ATTEMPTS: EarlierAttempts = { failed: [], broken: [] };

/** The ComfyUI servers, and the choice among them. */
export class BackendPool implements OnApplicationShutdown {
  readonly #classesReadAt = new WeakMap<Backend, number>();

  /** @param changed notified by every backend when a slot is free, its health changes, or its node classes are known */
  constructor(
    readonly backends: readonly Backend[],
    readonly changed: Condition,
    private readonly timing: ProbeTiming,
  ) {}

  onApplicationShutdown(): void {
    for (const { client } of this.backends) client.close();
  }

  find(url: string): Backend | undefined {
    return this.backends.find((backend) => backend.url === url);
  }

  get isUsable(): boolean {
    return this.backends.some(({ isUsable }) => isUsable);
  }

  get hasFreeSlot(): boolean {
    return this.backends.some(({ isUsable, hasFreeSlot }) => isUsable && hasFreeSlot);
  }

  /** Whether this process does what one of several processes has to do: the one with the lease of the first backend. */
  get isLeader(): boolean {
    return this.backends[0]?.lease.isHeld ?? false;
  }

  /** Whether any backend carries these labels, whatever its state. */
  carries(labels: readonly string[]): boolean {
    return this.backends.some((backend) => hasLabels(backend, labels));
  }

  /**
   * The backend to assign a workflow to now: one without a failed attempt of it before one with one, one that runs it at once
   * before one that lets it wait, then the one that used its models last, the least loaded, the longest unused.
   * @returns undefined when the job waits
   */
  choose(requirements: WorkflowRequirements, { failed, broken } = NO_ATTEMPTS): Backend | undefined {
    const usable = this.#candidates(requirements).filter(({ isUsable }) => isUsable);
    const intact = usable.filter(({ url, lease }) => lease.admitsJobs && !broken.includes(url));
    const free = (intact.length > 0 ? intact : usable).filter(({ hasFreeSlot }) => hasFreeSlot);
    const rank = (backend: Backend) => [
      failed.includes(backend.url) ? 1 : 0,
      backend.wouldRunNow ? 0 : 1,
      -backend.modelsLoaded(requirements.models),
      backend.load,
      backend.lastTakenAt,
    ];
    return free.sort((a, b) => compare(rank(a), rank(b))).at(0);
  }

  /** Reads the node classes of a backend; with a single one there is no choice to make by them. */
  async readNodeClasses(backend: Backend, signal?: AbortSignal): Promise<void> {
    if (this.backends.length === 1) return;
    this.#classesReadAt.set(backend, performance.now());
    await backend.readNodeClasses(signal);
  }

  /** Resolves as soon as a backend responds; with the error of the first when none does. */
  async findError(): Promise<BackendError | undefined> {
    if (this.backends.some(({ isUsable, silentFor }) => isUsable && silentFor < this.timing.fresh)) return undefined;
    try {
      await Promise.any(this.backends.map((backend) => backend.probe()));
      return undefined;
    } catch (error) {
      return firstError(error);
    }
  }

  /** The backends with all node classes; all backends when none has them: then ComfyUI decides. */
  #candidates(requirements: WorkflowRequirements): Backend[] {
    const labeled = this.backends.filter((backend) => hasLabels(backend, requirements.labels));
    if (this.backends.length === 1) return labeled;
    const supporting = labeled.filter((backend) => backend.supports(requirements));
    if (supporting.length > 0) return supporting;
    const asked = labeled.filter((backend) => this.#asksAgain(backend));
    return asked.length > 0 ? [] : labeled;
  }

  /** A node may have been installed since: the classes of a usable backend are read again before one counts as missing. */
  #asksAgain(backend: Backend): boolean {
    if (!backend.isUsable) return false;
    const isOld = performance.now() - (this.#classesReadAt.get(backend) ?? -Infinity) >= this.timing.catalogFresh;
    if (isOld) void this.readNodeClasses(backend);
    return isOld || !backend.hasNodeClasses;
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((value, index) => value !== b[index]);
  return first < 0 ? 0 : a[first]! - b[first]!;
}

function hasLabels(backend: Backend, labels: readonly string[]): boolean {
  return labels.every((label) => backend.settings.labels.includes(label));
}

function firstError(error: unknown): BackendError {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const { code, message } = toComfyUIError(first);
  return new BackendError(code, message, { cause: first });
}

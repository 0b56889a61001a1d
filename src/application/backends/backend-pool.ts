import { BackendError, toComfyUIError } from '../../domain/errors';
import type { WorkflowRequirements } from '../../domain/workflow/requirements';
import type { WorkBell } from '../execution/work-bell';
import type { Backend } from './backend';

/** A server that answered within this time is taken to be there, ms. */
const FRESH_MS = 2_000;
/** How old a catalog may be when it says that nobody knows a node, ms. */
const CATALOG_FRESH_MS = 30_000;

/** The ComfyUI servers, and the choice among them. */
export class BackendPool {
  readonly #catalogsReadAt = new WeakMap<Backend, number>();

  constructor(
    readonly backends: readonly Backend[],
    readonly condition: WorkBell,
  ) {}

  find(url: string): Backend | undefined {
    return this.backends.find((backend) => backend.url === url);
  }

  get isUsable(): boolean {
    return this.backends.some(({ isUsable }) => isUsable);
  }

  get hasRoom(): boolean {
    return this.backends.some((backend) => backend.isUsable && backend.hasRoom);
  }

  /** Whether any server carries these labels, whatever its state. */
  carries(labels: readonly string[]): boolean {
    return this.backends.some((backend) => hasLabels(backend, labels));
  }

  /**
   * The server to hand a workflow to now: one that has not failed it before one that has, one that could run it at once
   * before one that would let it wait, then the one that used its models last, then the least busy, then the one that had nothing for the longest time.
   * @param failed addresses of servers where earlier attempts ended
   * @param broken those of them whose device failed: it would again, at once, so another one is worth waiting for
   * @returns undefined when it had better wait
   */
  choose(
    requirements: WorkflowRequirements,
    failed: readonly string[] = [],
    broken: readonly string[] = [],
  ): Backend | undefined {
    const usable = this.#fit(requirements).filter(({ isUsable }) => isUsable);
    const sound = usable.filter(({ url, hold }) => hold.isSure && !broken.includes(url));
    const free = (sound.length > 0 ? sound : usable).filter(({ hasRoom }) => hasRoom);
    const rank = (backend: Backend) => [
      failed.includes(backend.url) ? 1 : 0,
      backend.couldRunNow ? 0 : 1,
      -backend.modelsLoaded(requirements.models),
      backend.load,
      backend.takenAt,
    ];
    return free.sort((a, b) => compare(rank(a), rank(b))).at(0);
  }

  /** Reads the catalog of a server; with a single server there is nothing to choose by it. */
  async readCatalog(backend: Backend, signal?: AbortSignal): Promise<void> {
    if (this.backends.length === 1) return;
    this.#catalogsReadAt.set(backend, performance.now());
    await backend.readCatalog(signal);
  }

  /** Resolves as soon as a server answers; with the fault of the first, when none does. */
  async findFault(): Promise<BackendError | undefined> {
    if (this.backends.some((backend) => backend.isUsable && backend.silentFor < FRESH_MS)) return undefined;
    try {
      await Promise.any(this.backends.map((backend) => backend.probe()));
      return undefined;
    } catch (error) {
      return firstFault(error);
    }
  }

  /** Those that know all node classes; all, when none does: then ComfyUI decides. */
  #fit(requirements: WorkflowRequirements): Backend[] {
    const candidates = this.backends.filter((backend) => hasLabels(backend, requirements.labels));
    if (this.backends.length === 1) return candidates;
    const knowing = candidates.filter((backend) => backend.knows(requirements));
    if (knowing.length > 0) return knowing;
    const asked = candidates.filter((backend) => this.#asksAgain(backend));
    return asked.length > 0 ? [] : candidates;
  }

  /** A node may have been installed since: a usable server is asked once more before it counts as not knowing it. */
  #asksAgain(backend: Backend): boolean {
    if (!backend.isUsable) return false;
    const age = performance.now() - (this.#catalogsReadAt.get(backend) ?? -Infinity);
    if (age >= CATALOG_FRESH_MS) void this.readCatalog(backend);
    return age >= CATALOG_FRESH_MS || !backend.hasCatalog;
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((value, index) => value !== b[index]);
  return first < 0 ? 0 : a[first]! - b[first]!;
}

function hasLabels(backend: Backend, labels: readonly string[]): boolean {
  return labels.every((label) => backend.settings.labels.includes(label));
}

function firstFault(error: unknown): BackendError {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const { code, message } = toComfyUIError(first);
  return new BackendError(code, message, { cause: first });
}

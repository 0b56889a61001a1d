import { Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { Timing } from '../../options/timing';
import { oneLine } from '../../shared/text';
import { PeriodicTasks } from '../maintenance/periodic-tasks';
import type { Backend } from './backend';
import { BackendPool } from './backend-pool';
import { PromptSweeper } from './prompt-sweeper';

/** Probes silent backends, and unusable ones until they are back. */
@Injectable()
export class HealthMonitor {
  readonly #logger = new Logger(HealthMonitor.name);
  readonly #wasUsable = new Map<Backend, boolean>();

  constructor(
    private readonly pool: BackendPool,
    private readonly sweeper: PromptSweeper,
    private readonly tasks: PeriodicTasks,
    private readonly timing: Timing,
  ) {}

  start(): void {
    for (const backend of this.pool.backends)
      this.tasks.start({
        failure: `ComfyUI at ${backend.url} cannot be watched`,
        interval: 0,
        run: async (signal) => {
          await this.#check(backend, signal);
          await this.#untilDue(backend, signal);
          return backend.isUsable ? 0 : this.timing.probe.poll;
        },
      });
  }

  async #check(backend: Backend, signal: AbortSignal): Promise<void> {
    const wasUsable = this.#wasUsable.get(backend);
    const isUsable = this.#isTrusted(backend) || (await backend.probe().then(isOk, isNotOk));
    if (isUsable && wasUsable !== true) void this.pool.readNodeClasses(backend, signal);
    if (isUsable !== wasUsable) this.#log(backend, isUsable, wasUsable);
    this.#wasUsable.set(backend, isUsable);
    if (isUsable && backend.lease.isHeld) await this.sweeper.sweep(backend);
  }

  async #untilDue(backend: Backend, signal: AbortSignal): Promise<void> {
    const due = Date.now() + this.timing.probe.interval;
    while (this.#isTrusted(backend) && Date.now() < due && !signal.aborted)
      await this.pool.changed.wait(due - Date.now(), signal);
  }

  /** A backend that responded lately needs no probe. */
  #isTrusted({ isUsable, silentFor }: Backend): boolean {
    return isUsable && silentFor < this.timing.probe.interval;
  }

  #log({ url, error }: Backend, isUsable: boolean, wasUsable: boolean | undefined): void {
    if (isUsable && wasUsable === undefined) return;
    if (isUsable) this.#logger.log(`ComfyUI at ${url} is back`);
    else this.#logger.warn(`ComfyUI at ${url} is not used for now: ${oneLine(toComfyUIError(error).message)}`);
  }
}

const isOk = (): boolean => true;
const isNotOk = (): boolean => false;

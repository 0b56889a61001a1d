import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { ShutdownState } from '../maintenance/shutdown-state';
import { ProcessRole } from '../execution/process-role';
import { sleep } from '../../shared/sleep';
import type { Backend } from './backend';
import { BackendPool } from './backend-pool';
import { PromptSweeper } from './prompt-sweeper';

/** How often a server is asked how it is when nothing else tells, ms. */
const PROBE_INTERVAL_MS = 10_000;

/** Watches over the servers: asks the quiet ones how they are, and the faulty ones whether they are back. */
@Injectable()
export class HealthMonitor implements OnApplicationBootstrap {
  readonly #logger = new Logger(HealthMonitor.name);

  constructor(
    private readonly pool: BackendPool,
    private readonly sweeper: PromptSweeper,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.role.runsJobs) return;
    for (const backend of this.pool.backends) void this.#watch(backend);
  }

  async #watch(backend: Backend): Promise<void> {
    let wasUsable: boolean | undefined;
    while (!this.shutdownState.isOver) {
      const isUsable = await this.#look(backend);
      if (isUsable && wasUsable !== true) void this.pool.readCatalog(backend, this.shutdownState.over);
      if (isUsable !== wasUsable) this.#tell(backend, isUsable, wasUsable);
      wasUsable = isUsable;
      if (isUsable && backend.hold.lease) await this.sweeper.sweep(backend);
      await this.#untilNextLook(backend);
    }
  }

  /** A server that answered lately needs no probe. */
  async #look(backend: Backend): Promise<boolean> {
    if (isTrusted(backend)) return true;
    return backend.probe().then(
      () => true,
      () => false,
    );
  }

  async #untilNextLook(backend: Backend): Promise<void> {
    const until = Date.now() + PROBE_INTERVAL_MS;
    while (isTrusted(backend) && Date.now() < until && !this.shutdownState.isOver)
      await this.pool.condition.next(until - Date.now(), this.shutdownState.over);
    if (!backend.isUsable) await sleep(50, this.shutdownState.over);
  }

  #tell({ url, fault }: Backend, isUsable: boolean, wasUsable: boolean | undefined): void {
    if (isUsable && wasUsable === undefined) return;
    if (isUsable) this.#logger.log(`ComfyUI at ${url} is back`);
    else this.#logger.warn(`ComfyUI at ${url} is not used for now: ${oneLine(toComfyUIError(fault).message)}`);
  }
}

function isTrusted({ isUsable, silentFor }: Backend): boolean {
  return isUsable && silentFor < PROBE_INTERVAL_MS;
}

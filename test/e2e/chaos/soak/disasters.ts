import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../../../src/simulator';
import type { ComfyUIProcess } from '../support/comfyui-process';
import type { Dice } from '../support/dice';
import type { Rig } from '../support/rig';
import { until } from '../support/until';
import { Tally } from './tally';

const OUT_OF_MEMORY = { message: 'Allocation on device', type: 'torch.OutOfMemoryError' };
const CUDA_FAULT = { message: 'CUDA error: an illegal memory access was encountered' };

/** Faults of one server that strike one prompt or socket. */
const FAULTS: readonly Fault[] = [
  { kind: 'drop-socket', after: 'executing' },
  { kind: 'drop-socket', after: 'execution_success' },
  { kind: 'deaf-socket' },
  { kind: 'deaf-socket', after: 'execution_start' },
  { kind: 'deaf-socket', halfOpen: true },
  { kind: 'lose-event', type: 'executed' },
  { kind: 'lose-event', type: 'execution_success' },
  { kind: 'late-post-answer', ms: 6_000 },
  { kind: 'late-arrival', ms: 6_000 },
  { kind: 'lost-post-answer' },
  { kind: 'lost-post-answer', accepted: false },
  { kind: 'history-lag', ms: 3_000 },
  { kind: 'silent-disappearance' },
  { kind: 'restart', after: 'progress', downMs: 500 },
  { kind: 'node-exception', classType: 'SaveImage', ...OUT_OF_MEMORY },
  { kind: 'node-exception', classType: 'EmptyImage', ...CUDA_FAULT },
  { kind: 'slow-view', ms: 2_000 },
  { kind: 'slow-view', cutAfter: 50 },
  { kind: 'hang', path: '/queue' },
  { kind: 'proxy', status: 502, times: 3 },
];

/** Strikes at random times until {@link Disasters.end}; all processes run afterwards. */
export class Disasters {
  readonly struck = new Tally();
  readonly #over = new AbortController();
  readonly #serviceSpared = new AbortController();
  readonly #atService: Promise<void>;
  readonly #atBackends: Promise<unknown>;

  constructor(
    private readonly rig: Rig,
    private readonly dice: Dice,
  ) {
    const atBackend = [() => this.#kill(), () => this.#kill(), () => this.#freeze(), () => this.#killWorker()];
    this.#atService = this.#repeat([8_000, 25_000], this.#serviceSpared.signal, () => this.#hitService());
    this.#atBackends = Promise.all([
      this.#repeat([2_000, 4_000], this.#over.signal, () => this.#fault()),
      this.#repeat([5_000, 15_000], this.#over.signal, () => this.dice.pick(atBackend)()),
    ]);
  }

  /** From now on the service is not killed, so that its leaks show. */
  async spareService(): Promise<void> {
    this.#serviceSpared.abort();
    await this.#atService;
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#atBackends;
    await Promise.all(this.rig.backends.map(clearFaults));
  }

  async #repeat([least, most]: readonly [number, number], signal: AbortSignal, strike: () => Promise<void>) {
    while (!signal.aborted) {
      await this.#pause(least, most, signal);
      if (!signal.aborted) await strike();
    }
  }

  async #pause(least: number, most: number, signal = this.#over.signal): Promise<void> {
    await setTimeout(this.dice.between(least, most), undefined, { signal }).catch(() => undefined);
  }

  async #fault(): Promise<void> {
    const backend = this.dice.pick(this.rig.backends);
    const fault = this.dice.pick(FAULTS);
    if (!backend.isUp) return;
    await backend.arm(fault).then(
      () => this.struck.count(fault.kind),
      () => undefined,
    );
  }

  async #kill(): Promise<void> {
    const backend = this.dice.pick(this.rig.backends);
    this.struck.count('kill -9 of a backend');
    await backend.kill();
    await this.#pause(0, this.dice.chance(0.3) ? 20_000 : 2_000);
    await backend.start();
  }

  async #freeze(): Promise<void> {
    const backend = this.dice.pick(this.rig.backends);
    this.struck.count('frozen backend');
    backend.freeze();
    await this.#pause(500, this.dice.chance(0.3) ? 50_000 : 5_000);
    backend.thaw();
  }

  async #killWorker(): Promise<void> {
    const backend = this.dice.pick(this.rig.backends);
    this.struck.count('dead worker');
    await backend.arm({ kind: 'dead-worker' });
    await this.#pause(1_000, 25_000);
    await restart(backend);
  }

  async #hitService(): Promise<void> {
    const { service } = this.rig;
    if (this.dice.chance(0.3)) {
      this.struck.count('SIGTERM of the service');
      service.terminate();
      await service.end();
    } else {
      this.struck.count('kill -9 of the service');
      await service.kill();
    }
    await this.#pause(0, 3_000);
    await service.start();
  }
}

/** The server may be restarting. */
function clearFaults(backend: ComfyUIProcess): Promise<boolean> {
  return until(`${backend.name} has no faults`, () => backend.clearFaults().then(() => true));
}

async function restart(backend: ComfyUIProcess): Promise<void> {
  await backend.kill();
  await backend.start();
}

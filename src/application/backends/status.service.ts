import { Injectable, Logger } from '@nestjs/common';
import type { BackendStatus } from '../../domain/backend';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { JobSync } from '../jobs/job-sync';
import type { Backend } from './backend';
import { BackendPool } from './backend-pool';

/** @publicApi */
export interface Status {
  /** Whether at least one ComfyUI server responds. */
  readonly reachable: boolean;
  readonly backends: readonly BackendStatus[];
}

/**
 * The state of the ComfyUI servers.
 * @publicApi
 */
@Injectable()
export class StatusService {
  readonly #logger = new Logger(StatusService.name);

  constructor(
    private readonly pool: BackendPool,
    private readonly sync: JobSync,
  ) {}

  /** Probes every backend now; takes 5 seconds at most. Never rejects. */
  async status(): Promise<Status> {
    // The database may be unreachable: then the slots of this process are what is known.
    const load = this.sync.load().catch(() => undefined);
    const probed = await Promise.all(this.pool.backends.map((backend) => this.#probe(backend)));
    const assigned = await load;
    const backends = probed.map((status) => ({
      ...status,
      handedOver: assigned?.get(status.url) ?? (assigned ? 0 : status.handedOver),
    }));
    return { reachable: backends.some(({ reachable }) => reachable), backends };
  }

  async #probe(backend: Backend): Promise<BackendStatus> {
    try {
      const status = await backend.probe();
      return { ...usage(backend), reachable: true, ...status };
    } catch (error) {
      const reason = toComfyUIError(error).message;
      this.#logger.warn(`ComfyUI at ${backend.url}: ${oneLine(reason)}`);
      return { ...usage(backend), reachable: false, reason };
    }
  }
}

function usage({ settings, circuit, slotsTaken }: Backend): Omit<BackendStatus, 'reachable'> {
  const { url, labels, weight, concurrency } = settings;
  return { url, circuit, labels, weight, concurrency, handedOver: slotsTaken };
}

import { Injectable, Logger } from '@nestjs/common';
import type { BackendStatus } from '../domain/backend';
import { toComfyUIError } from '../domain/errors';
import { oneLine } from '../domain/text';
import type { Backend } from './backends/backend';
import { BackendPool } from './backends/backend-pool';

export interface Status {
  /** Whether at least one ComfyUI server answers. */
  readonly reachable: boolean;
  readonly backends: readonly BackendStatus[];
}

@Injectable()
export class StatusService {
  readonly #logger = new Logger(StatusService.name);

  constructor(private readonly pool: BackendPool) {}

  /** A look at every ComfyUI server, now; 5 seconds at most. Never rejects. */
  async status(): Promise<Status> {
    const backends = await Promise.all(this.pool.backends.map((backend) => this.#look(backend)));
    return { reachable: backends.some(({ reachable }) => reachable), backends };
  }

  async #look(backend: Backend): Promise<BackendStatus> {
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

function usage({ settings, circuit, handedOver }: Backend): Omit<BackendStatus, 'reachable'> {
  const { url, labels, weight, concurrency } = settings;
  return { url, circuit, labels, weight, concurrency, handedOver };
}

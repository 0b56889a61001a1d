import { Injectable, Logger } from '@nestjs/common';
import type { BackendStatus } from '../../domain/backend';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import type { Backend } from './backend';
import { BackendPool } from './backend-pool';
import { JobBacklog } from '../jobs/job-backlog';
import { ProcessRole } from '../execution/process-role';

export interface Status {
  /** Whether at least one ComfyUI server answers. */
  readonly reachable: boolean;
  readonly backends: readonly BackendStatus[];
}

@Injectable()
export class StatusService {
  readonly #logger = new Logger(StatusService.name);

  constructor(
    private readonly pool: BackendPool,
    private readonly backlog: JobBacklog,
    private readonly role: ProcessRole,
  ) {}

  /** A look at every ComfyUI server, now; 5 seconds at most. Never rejects. */
  async status(): Promise<Status> {
    const [load, ...looks] = await Promise.all([this.#load(), ...this.pool.backends.map((one) => this.#look(one))]);
    const backends = looks.map((look) => ({
      ...look,
      handedOver: load?.get(look.url) ?? (load ? 0 : look.handedOver),
    }));
    return { reachable: backends.some(({ reachable }) => reachable), backends };
  }

  /** What all processes together have handed over; undefined: only this one does, or the database does not tell. */
  async #load(): Promise<ReadonlyMap<string, number> | undefined> {
    return this.role.isSingleProcess ? undefined : this.backlog.load().catch(() => undefined);
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

import type { Lease, Renewal } from '../../application/backends/lease-repository';
import { AbandonedPrompts } from './abandoned-prompts';

/** For the embedded database, which has one process: every free backend is its own, with leases in memory. */
export class SingleProcessLeaseRepository extends AbandonedPrompts {
  #leases: readonly Lease[] = [];

  async renew(): Promise<Renewal> {
    return { leases: this.#leases, holders: 1 };
  }

  async acquire(_holder: string, backends: readonly string[]): Promise<readonly Lease[]> {
    const leases = backends.map((backend) => ({ backend, epoch: 1 }));
    const others = this.#leases.filter(({ backend }) => !backends.includes(backend));
    this.#leases = [...others, ...leases];
    return leases;
  }

  async release(_holder: string, backends?: readonly string[]): Promise<void> {
    this.#leases = backends ? this.#leases.filter(({ backend }) => !backends.includes(backend)) : [];
  }
}

import { type Lease, LeaseRepository, type Renewal } from '../../application/backends/lease-repository';

/** For a process that has its database alone: all servers are its own. */
export class SingleProcessLeases extends LeaseRepository {
  #leases: readonly Lease[] = [];

  async renew(): Promise<Renewal> {
    return { leases: this.#leases, holders: 1 };
  }

  async acquire(_holder: string, backends: readonly string[]): Promise<readonly Lease[]> {
    const leases = backends.map((backend) => ({ backend, epoch: 1 }));
    this.#leases = [...this.#leases, ...leases];
    return leases;
  }

  async release(_holder: string, backends: readonly string[]): Promise<void> {
    this.#leases = this.#leases.filter(({ backend }) => !backends.includes(backend));
  }

  async leave(): Promise<void> {
    this.#leases = [];
  }
}

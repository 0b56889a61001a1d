import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import { ShutdownState } from '../maintenance/shutdown-state';
import { JobRecovery } from '../execution/job-recovery';
import { JobBacklog } from '../jobs/job-backlog';
import { type Lease, LeaseRepository } from './lease-repository';
import { ProcessRole } from '../execution/process-role';
import { sleep } from '../../shared/sleep';
import type { Backend } from './backend';
import { BackendPool } from './backend-pool';
import { LEASE_MS } from './backend-lease';

const RENEW_MS = 2_000;
/** What another process waits for is given back so soon after its last prompt, ms. */
const LOOK_MS = 250;

/**
 * Divides the servers among the processes that drive them: each has its part, takes over what becomes free, and gives back
 * what is more than its part as soon as it is idle.
 */
@Injectable()
export class LeaseManager implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(LeaseManager.name);
  readonly #holder = randomUUID();
  #isFailing = false;

  constructor(
    private readonly leases: LeaseRepository,
    private readonly pool: BackendPool,
    private readonly backlog: JobBacklog,
    private readonly recovery: JobRecovery,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  /** Before anything else gets their places, takes up what the process before had handed to servers. */
  async onModuleInit(): Promise<void> {
    if (this.role.runsJobs) await this.#round();
  }

  onApplicationBootstrap(): void {
    if (this.role.runsJobs) void this.#work();
  }

  /** For others to take at once. Never rejects. */
  async leave(): Promise<void> {
    for (const backend of this.pool.backends) backend.hold.end();
    this.role.isLeader = false;
    await this.leases.leave(this.#holder).catch((error: unknown) => this.#tell(error));
  }

  async #work(): Promise<void> {
    for (;;) {
      await this.#pause();
      if (this.shutdownState.isOver) return;
      await this.#round();
    }
  }

  async #pause(): Promise<void> {
    const isAwaited = () => this.#held().some(({ hold, handedOver }) => hold.isLeaving && handedOver === 0);
    let ms = 0;
    do await sleep(LOOK_MS, this.shutdownState.over);
    while ((ms += LOOK_MS) < RENEW_MS && !this.shutdownState.isOver && !isAwaited());
  }

  async #round(): Promise<void> {
    try {
      const part = await this.#renew();
      await this.#giveBack(part);
      if (!this.shutdownState.hasBegun) await this.#takeMore(part);
      if (this.role.isLeader) await this.#takeBackStrays();
      if (!this.role.isSingleProcess && !this.shutdownState.hasBegun) await this.#takeUpUnknown();
      this.#isFailing = false;
    } catch (error) {
      this.#tell(error);
    }
    this.role.isLeader = this.role.isSingleProcess || this.pool.backends[0]?.hold.lease !== undefined;
  }

  /** @returns how many servers are this process's part */
  async #renew(): Promise<number> {
    const askedAt = performance.now();
    const { leases, holders } = await this.leases.renew(this.#holder, LEASE_MS);
    for (const backend of this.pool.backends) {
      const lease = leases.find(({ backend: url }) => url === backend.url);
      if (lease && lease.epoch === backend.hold.lease?.epoch) backend.hold.renew(askedAt);
      else if (lease) await this.#take(backend, lease, askedAt);
      else if (backend.hold.lease) this.#lose(backend);
    }
    return Math.ceil(this.pool.backends.length / holders);
  }

  async #giveBack(part: number): Promise<void> {
    const held = this.#held().sort((a, b) => b.handedOver - a.handedOver);
    held.forEach((backend, index) => {
      backend.hold.isLeaving = index >= part;
    });
    const idle = held.filter(({ hold, handedOver }) => hold.isLeaving && handedOver === 0);
    for (const { hold } of idle) hold.end();
    await this.leases.release(
      this.#holder,
      idle.map(({ url }) => url),
    );
  }

  async #takeMore(part: number): Promise<void> {
    const wanted = this.pool.backends.filter(({ hold }) => hold.lease === undefined);
    const missing = part - this.#held().length;
    if (missing <= 0 || wanted.length === 0) return;
    const askedAt = performance.now();
    const urls = wanted.map(({ url }) => url);
    const leases = await this.leases.acquire(this.#holder, urls, { atMost: missing, ttlMs: LEASE_MS });
    for (const lease of leases) await this.#take(this.pool.find(lease.backend)!, lease, askedAt);
  }

  /** The places of prompts that are there already are taken first. */
  async #take(backend: Backend, lease: Lease, askedAt: number): Promise<void> {
    backend.hold.end();
    await this.recovery.adopt(backend, () => backend.hold.begin(lease, askedAt));
    this.pool.condition.announce();
    if (!this.role.isSingleProcess) this.#logger.log(`ComfyUI at ${backend.url} is driven by this process from now on`);
  }

  async #takeUpUnknown(): Promise<void> {
    for (const backend of this.#held()) await this.recovery.adoptUnknown(backend);
  }

  /** Servers that no process has among its own any more have jobs left, perhaps. */
  async #takeBackStrays(): Promise<void> {
    const strays = [...(await this.backlog.load()).keys()].filter((url) => !this.pool.find(url));
    if (strays.length === 0) return;
    const terms = { atMost: strays.length, ttlMs: LEASE_MS };
    const leases = await this.leases.acquire(this.#holder, strays, terms);
    for (const lease of leases) await this.recovery.takeBack(lease);
    await this.leases.release(this.#holder, strays);
  }

  #lose(backend: Backend): void {
    backend.hold.end();
    this.#logger.warn(`ComfyUI at ${backend.url} is driven by another process now`);
  }

  #held(): Backend[] {
    return this.pool.backends.filter(({ hold }) => hold.lease !== undefined);
  }

  #tell(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#logger.error(`The servers can not be divided now: ${oneLine(toComfyUIError(error).message)}`);
  }
}

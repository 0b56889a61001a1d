import { LRUCache } from 'lru-cache';
import { JobQueue, type Ticket } from '../../application/jobs/job-queue';
import type { StoredJob } from '../../application/jobs/job-repository';
import { requirementsKey } from '../../application/jobs/requirements-key';
import type { Job } from '../../domain/job/job';
import { bandOf } from './bands';
import { type BullTickets, LOCK_MS, type TakenTicket } from './bull-tickets';
import type { OfferNews } from './offer-news';
import type { RedisConnection } from './redis-connection';

/** At most so many tickets are passed over in one call, and for so long, ms: others want to take them, too. */
const PASS = { most: 50, ms: 1_000 } as const;
/** A job is offered for the first time within so long; it would take a clock far behind to mistake it. */
const NEW_MS = 500;
/** A ticket that was put back is for other processes after 300 to 550 ms, at once with others. */
const BACK = { afterMs: 300, everyMs: 250 } as const;

/** Tickets in Redis, each a job of BullMQ whose id is that of our job. */
export class BullJobQueue extends JobQueue {
  /** Those whose lock may still be ours. */
  readonly #inHand = new LRUCache<Ticket, TakenTicket>({ max: 1_000, ttl: LOCK_MS });

  constructor(
    private readonly connection: RedisConnection,
    private readonly bull: BullTickets,
    private readonly news: OfferNews,
  ) {
    super();
  }

  tell(job: StoredJob): void {
    void this.news.tell(job).catch(() => undefined);
  }

  offer(jobs: readonly Job[]): Promise<void> {
    return this.connection.call(() => this.#offer(jobs));
  }

  next(exceptRequirements: readonly string[]): Promise<Ticket | undefined> {
    return this.connection.call(async () => {
      const passed: TakenTicket[] = [];
      try {
        const taken = await this.#takeOther(new Set(exceptRequirements), passed);
        return taken && this.#hold(taken);
      } finally {
        await this.#delay(passed);
      }
    });
  }

  async settle(ticket: Ticket): Promise<void> {
    const taken = this.#giveUp(ticket);
    await this.connection.call(() => this.bull.remove(ticket.jobId, taken));
  }

  async putBack(ticket: Ticket): Promise<void> {
    const taken = this.#giveUp(ticket);
    // Without a lock it has come back already, or will.
    if (taken) await this.connection.call(() => this.#delay([taken]));
  }

  tickets(): Promise<number> {
    return this.connection.call(() => this.bull.count());
  }

  /** Whether Redis answered last. */
  get isThere(): boolean {
    return this.connection.isUp;
  }

  onOffer(notifyAll: () => void): void {
    this.news.onOffer(notifyAll);
  }

  onTold(hear: (jobId: string, job?: StoredJob) => void): void {
    this.news.onTold(hear);
  }

  /** Before the end of the process. */
  async putAllBack(): Promise<void> {
    const all = [...this.#inHand.values()];
    this.#inHand.clear();
    if (all.length === 0) return;
    await this.connection.call(async () => {
      await Promise.all(all.map((taken) => this.bull.giveBack(taken)));
      await this.news.tell();
    });
  }

  async #offer(jobs: readonly Job[]): Promise<void> {
    const now = Date.now();
    const known = jobs.filter((job) => !isNew(job, now));
    const bands = await this.#bandsOf(known);
    const missing: Parameters<BullTickets['add']>[0][number][] = [];
    const promotions: Promise<void>[] = [];
    for (const job of jobs) {
      const [is, be] = [bands.get(job.id), bandOf(job, now)];
      if (is === undefined)
        missing.push({ jobId: job.id, requirementsKey: requirementsKey(job.requirements), band: be });
      else if (be < is) promotions.push(this.bull.promote(job.id, be));
    }
    await Promise.all(promotions);
    await this.bull.add(missing, this.news.of());
  }

  async #bandsOf(jobs: readonly Job[]): Promise<ReadonlyMap<string, number>> {
    if (jobs.length === 0) return new Map();
    const bands = await this.bull.bands(jobs.map(({ id }) => id));
    return new Map(jobs.flatMap(({ id }, i) => (bands[i] === undefined ? [] : [[id, bands[i]] as const])));
  }

  /** @param passed takes those with the needs in question */
  async #takeOther(exceptRequirements: ReadonlySet<string>, passed: TakenTicket[]): Promise<TakenTicket | undefined> {
    const until = performance.now() + PASS.ms;
    while (passed.length < PASS.most && performance.now() < until) {
      const taken = await this.bull.take();
      if (!taken || !exceptRequirements.has(requirementsOf(taken))) return taken;
      passed.push(taken);
    }
    return undefined;
  }

  #hold(taken: TakenTicket): Ticket {
    const ticket: Ticket = { jobId: taken.id ?? '', requirementsKey: requirementsOf(taken) };
    this.#inHand.set(ticket, taken);
    return ticket;
  }

  #giveUp(ticket: Ticket): TakenTicket | undefined {
    const taken = this.#inHand.get(ticket);
    this.#inHand.delete(ticket);
    return taken;
  }

  async #delay(tickets: readonly TakenTicket[]): Promise<void> {
    if (tickets.length === 0) return;
    const until = Math.ceil((Date.now() + BACK.afterMs) / BACK.everyMs) * BACK.everyMs;
    await Promise.all(tickets.map((taken) => this.bull.delay(taken, until)));
    this.news.tellAt(until);
  }
}

/** One that just came has no ticket, and would lose nothing by a second one: its id is the ticket's. */
function isNew({ fencingToken, queuedAt }: Job, now: number): boolean {
  return fencingToken === 0 && now - queuedAt < NEW_MS;
}

/** Redis may have dropped what the ticket says, but not its id. */
function requirementsOf({ data }: TakenTicket): string {
  return data.requirementsKey ?? '';
}
